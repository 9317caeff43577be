"""Signing keys of vehicles, in a file that its owner alone may read."""

import json
import stat
from collections.abc import Sequence
from pathlib import Path

from core.errors import SigningUnavailable
from core.ids import AssetId
from telemetry.adapters.wire_guard import GuardRules, Network
from telemetry.mavlink_signing import check_key

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_key(path: Path, asset_id: AssetId) -> bytes:
    """Returns the key of an asset.

    The file is a JSON object: `{"drone-1": "64 hex digits"}`. Nothing of it is ever told.

    Raises:
        SigningUnavailable: if there is no such key, or others may read the file.
    """
    where = f"{path.name} of {asset_id}"
    try:
        others = path.stat().st_mode & _OTHERS
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SigningUnavailable(
            f"the signing keys can't be read ({type(error).__name__})",
            where=where,
            cure="see `link.signing_keys`",
        ) from None
    if others:
        raise SigningUnavailable(
            "others than its owner may read the signing keys",
            where=where,
            cure="chmod 600 it, and make new keys if anybody may have read them",
        )
    try:
        keys = json.loads(text)
        key = bytes.fromhex(keys[str(asset_id)])
    except (ValueError, KeyError, TypeError):  # its text stays out of every message
        raise SigningUnavailable(
            "there is no signing key of this asset",
            where=where,
            cure='add one line: "ASSET": "64 hex digits"',
        ) from None
    return check_key(key, where)


def rules_for(
    asset_id: AssetId, peers: Sequence[Network], required: bool, keys: Path | None
) -> GuardRules:
    """Returns who may speak as an asset, and by which key.

    Args:
        asset_id: whose key is looked for.
        peers: networks that are spoken to beside loopback.
        required: whether what is said must be signed.
        keys: the file of keys.

    Raises:
        SigningUnavailable: if signatures are demanded and there is no usable key.
    """
    if not required:
        return GuardRules(peers)
    if keys is None:
        raise SigningUnavailable(
            "signatures are demanded, and there is no file of keys",
            where=str(asset_id),
            cure="set link.signing_keys",
        )
    return GuardRules(peers, read_key(keys, asset_id))
