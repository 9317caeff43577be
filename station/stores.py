"""Opens the data folder; verbs that need a store but no station use this alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.clock import Clock, SystemClock
from station.data_folder import Stores
from station.database import open_database
from station.settings import Settings
from station.store_lock import shared_use
from station.wiring import stores_of


@contextmanager
def opened_stores(
    settings: Settings, *, clock: Clock | None = None, migrate: bool = False
) -> Iterator[Stores]:
    """Opens the stores of the data folder during the block; makes the folder at first use.

    Args:
        settings: whose `home` is the data folder.
        clock: the machine's own by default.
        migrate: brings an older schema up to date instead of refusing it.

    Raises:
        StoreOutdated: if the schema is older and `migrate` is off.
        StoreTooNew: if a newer Qyran has written it.
        StoreUnreadable: if it can't be opened.
        StoreInUse: if it is being restored or upgraded right now.
        DiskFull: if there is no room to create it.
    """
    with shared_use(settings.home):
        database = open_database(settings.home, migrate=migrate)
        try:
            yield stores_of(database, clock or SystemClock())
        finally:
            database.close()
