"""Checks of a model's files before any library opens them: no code, no pickle, no way out of the folder.

`check_model_folder` holds a folder to the layout that `save_pretrained` writes; `check_digest` holds a file to a
digest; `models.weights` holds the weights to their format. Nothing here imports or runs anything, and every size is
held against a limit before memory is spent on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np

from tunewright.errors import ModelError
from tunewright.models.names import show

# Parsed here: what names files, classes and settings.
_CONFIGS: Final = (
    "*config*.json",
    "special_tokens_map.json",
    "modules.json",
    "chat_template.json",
    "*.safetensors.index.json",
)
# Bounded here and left to the tokenizer: large by nature, and any word may be a key.
_VOCABULARIES: Final = (
    "tokenizer*.json",
    "vocab*",
    "added_tokens.json",
    "*.model",
    "tekken.json",
    "merges.txt",
    "*.jinja",
)
_CONFIG_LIMIT: Final = 4 << 20  # bytes; a list costs 27 times its text once parsed, so this stays near 100 MB
_VOCABULARY_LIMIT: Final = 64 << 20  # bytes; the largest in use has 34 MB
_CONTAINER_LIMIT: Final = 2_000_000  # lists and objects of one JSON file; the largest vocabularies have 600,000
_DEPTH_LIMIT: Final = 64
_ENTRY_LIMIT: Final = 10_000  # files and folders; a model has some tens

_CODE_KEYS: Final = frozenset(["auto_map", "trust_remote_code", "custom_pipelines", "_from_auto"])
# Values with a slash are hub repositories, whose kernels transformers would fetch and run.
_KERNEL_KEYS: Final = re.compile(r"_?(attn|experts)_implementation(_internal)?|kernel_config")
_CODE_SUFFIXES: Final = frozenset([".py", ".pyc", ".pyd", ".so", ".dll", ".dylib"])
_FOREIGN_WEIGHTS: Final = frozenset(
    [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5", ".msgpack", ".ot", ".onnx"]
)

_CHUNK: Final = 1 << 20  # bytes
_OPENING: Final = np.frombuffer(b"[{", np.uint8)
_CLOSING: Final = np.frombuffer(b"]}", np.uint8)


def check_model_folder(folder: Path, *, root: Path | None = None) -> None:
    """Refuse a model folder that carries code, leads out of itself, or has no safetensors weights.

    Files in other weight formats may lie beside safetensors: they are never opened.

    Args:
        folder: the files of one model, in the layout of `save_pretrained`.
        root: what links may lead into; default the folder itself. In the hub cache, `models--owner--name`, because
            its `snapshots/<revision>/` link into its `blobs/`.

    Raises:
        ModelError: what must hold and does not, in which file, and what to do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
    ...     _ = Path(folder, "config.json").write_text('{"auto_map": {"AutoModel": "modeling.Evil"}}')
    ...     Path(folder, "model.safetensors").touch()
    ...     check_model_folder(Path(folder))
    Traceback (most recent call last):
    ...
    tunewright.errors.ModelError: A model must not name code to run. config.json sets 'auto_map'. Use a model of ...
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"A model must be a folder. {folder} is none. Give the folder that save_pretrained wrote.")
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"A model folder must hold config.json. {folder} does not. Give the folder that save_pretrained wrote."
        )
    try:
        files = dict(_list_files(folder, root))
        _check_formats(folder, files)
        for name, path in files.items():
            _check_file(name, path, files)
    except OSError as error:
        raise ModelError(
            f"Every file of a model must be readable. {error.filename or folder}: {error.strerror}. "
            "Check its permissions and links."
        ) from error


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     sha256(Path(file.name))[:16]
    'e3b0c44298fc1c14'
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"A model file must be readable. {path}: {error.strerror}. Check that it is there.") from error


def check_digest(path: Path, expected: str) -> None:
    """Refuse a file whose SHA-256 (hexadecimal) is not the expected one.

    Raises:
        ModelError: the file was changed, damaged or replaced, or cannot be read.
    """
    found = sha256(path)
    if found != expected.lower():
        raise ModelError(
            f"{Path(path).name} must have the SHA-256 {expected}. {path} has {found}: it was changed, damaged or "
            "replaced. Install or download it again."
        )


def _list_files(folder: Path, root: Path | None) -> Iterator[tuple[str, Path]]:
    """Every file below the folder by its relative name, once it is known to be a plain file that stays inside."""
    inside = Path(os.path.realpath(root or folder, strict=True))
    if not Path(os.path.realpath(folder, strict=True)).is_relative_to(inside):
        raise ModelError(f"A model must lie inside {inside}. {folder} does not. Give the folder itself.")
    count = 0
    for parent, folders, names in os.walk(folder, onerror=_raise):
        count += len(folders) + len(names)
        if count > _ENTRY_LIMIT:
            raise ModelError(
                f"A model folder must hold at most {_ENTRY_LIMIT} files. {folder} has more. "
                "Give the folder that holds only the model."
            )
        for name in names + [name for name in folders if Path(parent, name).is_symlink()]:
            path = Path(parent, name)
            real = Path(os.path.realpath(path, strict=True))
            if not real.is_relative_to(inside):
                raise ModelError(
                    f"The files of a model must lie inside its folder. {path} is a link that leads out of {inside}. "
                    "If you trust its target, copy the folder with its links resolved (cp -rL)."
                )
            if not stat.S_ISREG(real.stat().st_mode):
                raise ModelError(
                    f"A model must consist of plain files. {path} is a link to a folder, a pipe or a device. Remove it."
                )
            yield path.relative_to(folder).as_posix(), path


def _raise(error: OSError) -> None:
    raise error


def _check_formats(folder: Path, files: dict[str, Path]) -> None:
    """No code, no adapter, and weights as safetensors."""
    for name, path in files.items():
        if path.suffix.lower() in _CODE_SUFFIXES:
            raise ModelError(
                f"A model must not carry code. {folder} holds {name}. Use a model of the transformers library itself."
            )
    if any(name.lower() == "adapter_config.json" for name in files):
        raise ModelError(
            f"A model must hold all its weights. {folder} holds adapter_config.json, which names another model. "
            "Merge the adapter with merge_and_unload() and save the result with save_pretrained."
        )
    if not any("/" not in name and name.endswith(".safetensors") for name in files):
        foreign = sorted(name for name, path in files.items() if path.suffix.lower() in _FOREIGN_WEIGHTS)
        found = f"only {', '.join(foreign[:3])}, which is not opened because it may run code" if foreign else "none"
        raise ModelError(
            f"A model's weights must be *.safetensors files. {folder} holds {found}. "
            "Convert with save_pretrained(safe_serialization=True), in a place where running its code does no harm."
        )


def _check_file(name: str, path: Path, files: dict[str, Path]) -> None:
    # Lower case, because on some systems Config.json answers to config.json.
    base = path.name.lower()
    if any(fnmatch(base, pattern) for pattern in _CONFIGS):
        value = _parse_config(name, path)
        if base.endswith(".index.json"):
            _check_index(name, value, files)
    elif any(fnmatch(base, pattern) for pattern in _VOCABULARIES):
        data = _read(name, path, _VOCABULARY_LIMIT)
        if base.endswith(".json"):
            _check_nesting(name, data)


def _read(name: str, path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ModelError(f"{name} must have at most {limit >> 20} MiB. It has more. Use an intact copy of the model.")
    return data


def _check_nesting(name: str, data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") > _CONTAINER_LIMIT or _depth(data) > _DEPTH_LIMIT:
        raise ModelError(
            f"{name} must hold at most {_CONTAINER_LIMIT} lists and objects, nested at most {_DEPTH_LIMIT} deep. "
            "It holds more. Use an intact copy of the model."
        )


def _depth(data: bytes) -> int:
    """How deep brackets nest, without parsing: a parser's stack and memory are what is being protected."""
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")  # now every quote begins or ends a string
    quotes = depth = deepest = 0
    for start in range(0, len(plain), _CHUNK):
        part = np.frombuffer(plain, np.uint8, min(_CHUNK, len(plain) - start), start)
        seen = np.cumsum(part == ord('"')) + quotes
        steps = np.isin(part, _OPENING).astype(np.int8) - np.isin(part, _CLOSING).astype(np.int8)
        levels = np.cumsum(np.where(seen % 2, 0, steps)) + depth
        quotes, depth = int(seen[-1]), int(levels[-1])
        deepest = max(deepest, int(levels.max()))
    return deepest


def _parse_config(name: str, path: Path) -> Any:
    data = _read(name, path, _CONFIG_LIMIT)
    _check_nesting(name, data)

    def check_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Pair by pair: of a key that is there twice, both are seen.
        for key, value in pairs:
            _check_setting(name, path.parent, key, value)
        return dict(pairs)

    try:
        return json.loads(data.decode(), object_pairs_hook=check_object)
    except ModelError:  # is a ValueError too
        raise
    except ValueError as error:
        raise ModelError(f"{name} must be valid JSON. Got: {error}. Use an intact copy of the model.") from error


def _check_setting(name: str, folder: Path, key: str, value: Any) -> None:
    if (key in _CODE_KEYS and value not in (False, [], {})) or (
        _KERNEL_KEYS.fullmatch(key) and "/" in json.dumps(value)
    ):
        raise ModelError(
            f"A model must not name code to run. {name} sets {show(key)}. "
            "Use a model of the transformers library itself, or remove the setting if you know that it is not needed."
        )
    if key == "transformers_weights" and value and not _is_shard(value):
        raise _leads_out(name, key)
    if key == "fast_tokenizer_files" and value and not (isinstance(value, list) and all(map(_is_plain, value))):
        raise _leads_out(name, key)
    # Paths of the author's machine stand in many an old model, and some versions of transformers open those that exist
    # here; only the special tokens' they never do.
    if key.endswith("_file") and key != "special_tokens_map_file" and isinstance(value, str):
        target = Path(os.path.abspath(folder / value.replace("\0", "")))
        if not target.is_relative_to(os.path.abspath(folder)) and target.exists():
            raise _leads_out(name, key)


def _check_index(name: str, value: Any, files: dict[str, Path]) -> None:
    shards = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(shards, dict) or not all(_is_shard(shard) for shard in shards.values()):
        raise _leads_out(name, "weight_map")
    missing = sorted(set(shards.values()) - set(files))
    if missing:
        raise ModelError(
            f"Every shard of the weights must be there. {name} names {show(missing[0])}, which is missing. "
            "Download or copy the model again."
        )


def _is_plain(value: Any) -> bool:
    """A file name that stays in its folder, on every system."""
    return isinstance(value, str) and value not in ("", ".", "..") and not set(value) & set("/\\:\0")


def _is_shard(value: Any) -> bool:
    return _is_plain(value) and value.endswith((".safetensors", ".safetensors.index.json"))


def _leads_out(name: str, key: str) -> ModelError:
    return ModelError(
        f"A model must name only files of its own folder, and weights only as *.safetensors. {name} does not under "
        f"{show(key)}. Save the model again with save_pretrained(safe_serialization=True)."
    )
