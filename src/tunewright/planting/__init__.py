"""Known faults, put into a copy of a table: one file each; `FAULTS` is the table of them."""

from __future__ import annotations

from tunewright.planting.about import About, Fault, Planted
from tunewright.planting.constant_column import ConstantColumn
from tunewright.planting.duplicates_conflicting import ConflictingCopies
from tunewright.planting.duplicates_exact import ExactDuplicates
from tunewright.planting.duplicates_near import NearDuplicates
from tunewright.planting.empty_texts import EmptyTexts
from tunewright.planting.flips_boundary import BoundaryFlips
from tunewright.planting.flips_confused import ConfusedFlips
from tunewright.planting.flips_uniform import UniformFlips
from tunewright.planting.formats_dates import MixedDates
from tunewright.planting.formats_numbers import MixedNumbers
from tunewright.planting.id_column import IdColumn
from tunewright.planting.label_spelling import LabelSpelling
from tunewright.planting.leak_column import LeakingColumn
from tunewright.planting.leak_missing import LeakingGaps
from tunewright.planting.leak_sum import LeakingSum
from tunewright.planting.leak_word import LeakingWord
from tunewright.planting.missing_cells import MissingCells
from tunewright.planting.missing_disguised import DisguisedMissing
from tunewright.planting.mojibake import Mojibake
from tunewright.planting.other_language import OtherLanguage
from tunewright.planting.outliers import Outliers
from tunewright.planting.overlap import Overlap
from tunewright.planting.personal_data import PersonalData
from tunewright.planting.shifted_rows import ShiftedRows
from tunewright.planting.split_shift import SplitShift
from tunewright.planting.time_drift import TimeDrift

FAULTS: tuple[Fault, ...] = (
    UniformFlips(),
    ConfusedFlips(),
    BoundaryFlips(),
    LabelSpelling(),
    ExactDuplicates(),
    NearDuplicates(),
    ConflictingCopies(),
    MissingCells(),
    DisguisedMissing(),
    Outliers(),
    MixedNumbers(),
    MixedDates(),
    ShiftedRows(),
    EmptyTexts(),
    Mojibake(),
    OtherLanguage(),
    PersonalData(),
    ConstantColumn(),
    IdColumn(),
    LeakingColumn(),
    LeakingWord(),
    LeakingSum(),
    LeakingGaps(),
    Overlap(),
    SplitShift(),
    TimeDrift(),
)

__all__ = ["FAULTS", "About", "Fault", "Planted"]
