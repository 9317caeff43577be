"""A link that tells a recording again."""

from collections.abc import AsyncIterator, Iterable

from core.errors import LinkLost
from core.ids import AssetId
from telemetry.model import TelemetrySample


class ReplayLink:
    """A `TelemetryLink` over kept samples, as fast as they are taken."""

    def __init__(
        self, asset_id: AssetId, samples: Iterable[TelemetrySample], *, lost_at_end: bool = False
    ) -> None:
        """Takes the samples of one asset.

        Args:
            asset_id: whose samples; others are left out.
            samples: in any order.
            lost_at_end: whether the recording ends by silence rather than as meant.
        """
        self._asset_id = asset_id
        self._samples = sorted(
            (s for s in samples if s.asset_id == asset_id), key=lambda sample: sample.at
        )
        self._lost_at_end = lost_at_end
        self._closed = False

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        return self._asset_id

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields the recording in order of time, an instant only once.

        Raises:
            LinkLost: at the end, if the recording ended by silence.
        """
        last = None
        for sample in self._samples:
            if self._closed:
                return
            if last is None or sample.at > last:
                last = sample.at
                yield sample
        if self._lost_at_end and not self._closed:
            raise LinkLost(
                "the recording ends here",
                where=str(self._asset_id),
                cure="replay a longer recording",
            )

    async def close(self) -> None:
        """Ends `samples()`."""
        self._closed = True
