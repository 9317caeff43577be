import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import DiskFull, EvidenceDamaged, NotFound, StoreUnreadable
from core.ids import Digest
from incidents.adapters.folder_vault import FolderVault, write_all


def full_disk(descriptor: int, data: bytes) -> None:
    """A disk that fills up in the middle of the file."""
    os.write(descriptor, data[: len(data) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def broken_disk(descriptor: int, data: bytes) -> None:
    raise OSError(errno.EIO, "Input/output error")


def files(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def test_bytes_are_found_under_their_digest(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    digest = vault.put(b"a picture", "image/jpeg")
    assert digest == hashlib.sha256(b"a picture").hexdigest()
    with vault.open(digest) as reader:
        assert reader.read() == b"a picture"
    expected = tmp_path / "sha256" / digest[:2] / digest[2:4] / digest
    assert vault.path(digest) == expected
    assert vault.media_type(digest) == "image/jpeg"
    assert vault.size_bytes(digest) == 9
    again = FolderVault(tmp_path)
    assert again.media_type(digest) == "image/jpeg"


def test_the_same_bytes_are_kept_once_and_their_first_type_stays(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    first = vault.put(b"a picture", "image/jpeg")
    before = files(tmp_path)
    inode = vault.path(first).stat().st_ino
    assert vault.put(b"a picture", "text/html") == first
    assert files(tmp_path) == before
    assert vault.path(first).stat().st_ino == inode
    assert vault.media_type(first) == "image/jpeg"


def test_a_disk_that_fills_up_leaves_nothing_under_any_name(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path, full_disk)
    with pytest.raises(DiskFull, match="free some space"):
        vault.put(b"a picture" * 1_000, "image/jpeg")
    assert files(tmp_path) == []
    sound = FolderVault(tmp_path)
    assert not sound.has(Digest(hashlib.sha256(b"a picture" * 1_000).hexdigest()))


def test_a_disk_that_is_full_for_the_bytes_but_not_for_their_type(tmp_path: Path) -> None:
    def only_small(descriptor: int, data: bytes) -> None:
        (write_all if len(data) < 100 else full_disk)(descriptor, data)

    vault = FolderVault(tmp_path, only_small)
    data = b"a picture" * 1_000
    with pytest.raises(DiskFull):
        vault.put(data, "image/jpeg")
    assert not vault.has(Digest(hashlib.sha256(data).hexdigest()))
    assert FolderVault(tmp_path).put(data, "image/jpeg")


def test_a_broken_disk_is_not_called_full(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable, match="Input/output"):
        FolderVault(tmp_path, broken_disk).put(b"x", "image/jpeg")


def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from core.errors import DiskFull\n"
        "from incidents.adapters.folder_vault import FolderVault\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "vault = FolderVault(Path(sys.argv[1]))\n"
        "vault.put(b'small', 'text/plain')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    vault.put(b'x' * 1_000_000, 'video/mp4')\n"
        "except DiskFull as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[2], check=False
    )
    assert ended.returncode == 3
    vault = FolderVault(tmp_path)
    assert vault.has(Digest(hashlib.sha256(b"small").hexdigest()))
    assert not vault.has(Digest(hashlib.sha256(b"x" * 1_000_000).hexdigest()))
    assert len(files(tmp_path)) == 2  # the small one and its type


def test_a_killed_writer_leaves_a_part_that_the_next_start_removes(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from incidents.adapters.folder_vault import FolderVault\n"
        "def die(descriptor, data):\n"
        "    os.write(descriptor, data[:5])\n"
        "    os._exit(9)\n"
        "FolderVault(Path(sys.argv[1]), die).put(b'a picture', 'image/jpeg')\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=Path(__file__).parents[2], check=False
    )
    left = files(tmp_path)
    assert len(left) == 1
    assert left[0].startswith("tmp/")
    FolderVault(tmp_path)
    assert files(tmp_path) == []


def test_a_start_leaves_the_parts_of_a_living_writer(tmp_path: Path) -> None:
    def write_while_another_starts(descriptor: int, data: bytes) -> None:
        FolderVault(tmp_path)
        write_all(descriptor, data)

    vault = FolderVault(tmp_path, write_while_another_starts)
    assert vault.has(vault.put(b"a picture", "image/jpeg"))


def test_changed_bytes_are_never_handed_out(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    digest = vault.put(b"a picture", "image/jpeg")
    vault.path(digest).write_bytes(b"a Picture")
    with pytest.raises(EvidenceDamaged) as damaged:
        vault.open(digest)
    assert damaged.value.where == digest
    vault.put(b"a picture", "image/jpeg")  # the right bytes again mend it
    with vault.open(digest) as reader:
        assert reader.read() == b"a picture"


@pytest.mark.parametrize(
    "name", ["", "0" * 63, "0" * 65, "A" * 64, "../" * 21 + "x", "/etc/passwd", "0" * 64]
)
def test_no_name_leads_out_of_the_vault(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound):
        FolderVault(tmp_path).open(Digest(name))


def test_many_threads_put_the_same_and_others(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda i: vault.put(b"%d" % (i % 10), "text/plain"), range(80)))
    assert len(set(digests)) == 10
    for digest in set(digests):
        vault.open(digest).close()


def test_removing(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    digest = vault.put(b"a picture", "image/jpeg")
    vault.remove(digest)
    vault.remove(digest)
    assert not vault.has(digest)
    assert files(tmp_path) == []
    with pytest.raises(NotFound):
        vault.media_type(digest)
