"""The contract of `EvidenceVault`; adapters join by `EVIDENCE_VAULTS` in tests/conftest.py."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import DiskFull, EvidenceDamaged, NotFound
from core.ids import Digest
from incidents.adapters.memory_vault import MemoryVault
from incidents.ports import EvidenceVault

DATA = b"\xff\xd8 a picture " * 999


def read(vault: EvidenceVault, digest: Digest) -> bytes:
    with vault.open(digest) as reader:
        return reader.read()


def test_a_name_is_the_sha256_of_the_bytes(evidence_vault: EvidenceVault) -> None:
    digest = evidence_vault.put(DATA, "image/jpeg")
    assert digest == hashlib.sha256(DATA).hexdigest()
    assert read(evidence_vault, digest) == DATA


def test_the_same_bytes_are_kept_once(evidence_vault: EvidenceVault) -> None:
    first = evidence_vault.put(DATA, "image/jpeg")
    assert evidence_vault.put(DATA, "image/jpeg") == first
    assert read(evidence_vault, first) == DATA


def test_nothing_at_all_can_be_kept(evidence_vault: EvidenceVault) -> None:
    assert read(evidence_vault, evidence_vault.put(b"", "text/plain")) == b""


def test_an_unknown_name_is_not_found(evidence_vault: EvidenceVault) -> None:
    with pytest.raises(NotFound):
        evidence_vault.open(Digest("0" * 64))


def test_a_reader_can_seek(evidence_vault: EvidenceVault) -> None:
    digest = evidence_vault.put(DATA, "image/jpeg")
    with evidence_vault.open(digest) as reader:
        reader.seek(5)
        assert reader.read(7) == DATA[5:12]


def test_many_threads_may_keep_the_same_thing(evidence_vault: EvidenceVault) -> None:
    media = [DATA, DATA + b"1", DATA + b"2"] * 8
    with ThreadPoolExecutor(6) as pool:
        digests = list(pool.map(lambda data: evidence_vault.put(data, "image/jpeg"), media))
    assert len(set(digests)) == 3
    for data, digest in zip(media, digests, strict=True):
        assert read(evidence_vault, digest) == data


def test_a_full_memory_vault_keeps_nothing() -> None:
    vault = MemoryVault()
    vault.fail_next = "disk_full"
    with pytest.raises(DiskFull):
        vault.put(DATA, "image/jpeg")
    with pytest.raises(NotFound):
        vault.open(Digest(hashlib.sha256(DATA).hexdigest()))
    assert vault.put(DATA, "image/jpeg")


@pytest.mark.parametrize("data", [DATA, b""])
def test_one_flipped_bit_is_found(data: bytes) -> None:
    vault = MemoryVault()
    digest = vault.put(data, "image/jpeg")
    vault.damage(digest)
    with pytest.raises(EvidenceDamaged):
        vault.open(digest)
