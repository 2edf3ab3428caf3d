"""How a finished model fares when rows come damaged: typed in haste, cut off, in capitals, with an empty cell.

One kind of damage per file, each a frozen strategy in the table `DAMAGES`. What it does to a text depends on the text
and the seed alone. Nothing is chosen by what comes out, so trying them is no further look at a test set.

Source: Ribeiro et al. (2020), Beyond accuracy: behavioral testing of NLP models with CheckList; Belinkov & Bisk (2018),
Synthetic and natural noise both break neural machine translation.
"""

from tunewright.evaluation.robustness.base import Cells, Damaging, Rows, with_cells
from tunewright.evaluation.robustness.measuring import Measured, measure_robustness
from tunewright.evaluation.robustness.subject import Tried
from tunewright.evaluation.robustness.table import DAMAGES

__all__ = ["DAMAGES", "Cells", "Damaging", "Measured", "Rows", "Tried", "measure_robustness", "with_cells"]
