"""Parameters that were changed for an upload, so that a failed one can be undone with them."""

from missions.ports import Parameters
from missions.proving.return_settings import ReturnSetting


class SettingChanges:
    """The settings of one upload, with what each was before."""

    def __init__(self, parameters: Parameters) -> None:
        """Changes nothing yet."""
        self._parameters = parameters
        self._before: dict[str, float] = {}

    async def keep(self, setting: ReturnSetting) -> None:
        """Has the vehicle hold a value that will do; raises as `Parameters.write`."""
        held = await self._parameters.read(setting.name)
        if not setting.allows(held):
            await self._write(setting.name, setting.wanted, held)

    async def write(self, name: str, value: float) -> None:
        """Has the vehicle hold this value; raises as `Parameters.write`."""
        held = await self._parameters.read(name)
        if held != value:
            await self._write(name, value, held)

    async def _write(self, name: str, value: float, held: float) -> None:
        self._before.setdefault(name, held)  # before: a write may arrive whose answer is lost
        await self._parameters.write(name, value)

    async def undo(self) -> None:
        """Writes back what was there, the newest change first; raises as `Parameters.write`."""
        while self._before:
            name = next(reversed(self._before))
            await self._parameters.write(name, self._before[name])
            del self._before[name]
