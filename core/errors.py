"""The whole error tree. Each class has a stable `code` and the exit code of its family.

QyranError
├── UsageError (exit 2: usage or unreadable input)
│   ├── SourceMissing           source_missing
│   ├── SourceUnreadable        source_unreadable
│   ├── TelemetryUnreadable     telemetry_unreadable
│   ├── TelemetryApart          telemetry_apart
│   ├── ZoneInvalid             zone_invalid
│   ├── ScheduleInvalid         schedule_invalid
│   ├── AreaInvalid             area_invalid
│   ├── PlanUnreadable          plan_unreadable
│   ├── RoadsUnreadable         roads_unreadable
│   ├── ModelUnreadable         model_unreadable
│   ├── SettingInvalid          setting_invalid
│   ├── DatumUnknown            datum_unknown
│   ├── ResolutionImpossible    resolution_impossible
│   └── BadRequest              bad_request
├── Refused (exit 1: the answer is no)
│   ├── ScheduleNeverFires      schedule_never_fires
│   ├── NothingLeft             nothing_left
│   ├── PlanUnsafe              plan_unsafe
│   ├── IllegalMove             illegal_move
│   ├── NotFound                not_found
│   ├── VersionConflict         version_conflict
│   ├── ClaimedByOther          claimed_by_other
│   ├── NotClaimed              not_claimed
│   ├── LeaseHeld               lease_held
│   ├── LeaseStale              lease_stale
│   ├── SkyCleared              sky_cleared
│   ├── FlownByHand             flown_by_hand
│   ├── CapabilityMissing       capability_missing
│   ├── NotAllowed              not_allowed
│   ├── NotSignedIn             not_signed_in
│   ├── TooManyTries            too_many_tries
│   ├── PreconditionMissing     precondition_missing
│   ├── KeyReused               key_reused
│   ├── TooLarge                too_large
│   ├── PoseUnknown             pose_unknown
│   ├── AlreadyThere            already_there
│   └── SortieFailed            sortie_failed
│       ├── VehicleUnreachable  vehicle_unreachable
│       ├── LinkLost            link_lost
│       ├── UploadMismatch      upload_mismatch
│       ├── PartialUpload       upload_partial
│       ├── PlanDrifted         plan_drifted
│       ├── SigningUnavailable  signing_unavailable
│       ├── ArmingDenied        arming_denied
│       ├── FailsafesAstray     failsafes_astray
│       └── StartRefused        start_refused
└── EnvironmentFault (exit 3: port, disk, missing extra)
    ├── PortInUse               port_in_use
    ├── DiskFull                disk_full
    ├── ExtraMissing            extra_missing
    ├── StoreTooNew             store_too_new
    ├── StoreOutdated           store_outdated
    ├── StoreUnreadable         store_unreadable
    ├── StoreInUse              store_in_use
    ├── EvidenceDamaged         evidence_damaged
    ├── ArchiveDamaged          archive_damaged
    ├── PageMissing             page_missing
    └── DetectorFailed          detector_failed
"""

from typing import ClassVar


class QyranError(Exception):
    """A failure told to a person: what was wrong, where, and what to do."""

    code: ClassVar[str] = "qyran_error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str = "", cure: str = "") -> None:
        """Keeps the three parts of the message.

        Args:
            message: what was wrong, one clause without a full stop.
            where: the file, row, route, asset or setting that it is about.
            cure: what to do about it.
        """
        super().__init__(message)
        self.message = message
        self.where = where
        self.cure = cure

    def __str__(self) -> str:
        """Returns the one line that a person reads."""
        line = f"{self.where}: {self.message}" if self.where else self.message
        return f"{line}; {self.cure}" if self.cure else line


class UsageError(QyranError):
    """The request or its input can't be read as what it should be."""

    code = "usage_error"
    exit_code = 2


class SourceMissing(UsageError):
    """A file, folder or stream is not there or can't be reached."""

    code = "source_missing"


class SourceUnreadable(UsageError):
    """What is there is no picture, video or stream that can be decoded."""

    code = "source_unreadable"


class TelemetryUnreadable(UsageError):
    """A telemetry file is in no dialect that is known, or broken."""

    code = "telemetry_unreadable"


class TelemetryApart(UsageError):
    """Telemetry and video share no instant."""

    code = "telemetry_apart"


class ZoneInvalid(UsageError):
    """A zone's geometry or rules make no sense; `where` names the place."""

    code = "zone_invalid"


class ScheduleInvalid(UsageError):
    """A schedule, its rule or its time zone can't be read or makes no sense."""

    code = "schedule_invalid"


class AreaInvalid(UsageError):
    """An area to be covered can't be read or makes no sense; the message names the place."""

    code = "area_invalid"


class PlanUnreadable(UsageError):
    """A plan file can't be read."""

    code = "plan_unreadable"

    def __init__(self, message: str, *, where: str = "", cure: str = "") -> None:
        """Keeps the three parts of the message; one of many thousand values has a usual cure."""
        usual = "mend it there, or save it again with the program that wrote it"
        super().__init__(message, where=where, cure=cure or usual)


class RoadsUnreadable(UsageError):
    """A road file can't be read, is not whole, or holds no road for a car."""

    code = "roads_unreadable"


class ModelUnreadable(UsageError):
    """Weights or their manifest are missing, broken or of the wrong shape."""

    code = "model_unreadable"


class SettingInvalid(UsageError):
    """A setting has an unknown name or an impossible value."""

    code = "setting_invalid"


class DatumUnknown(UsageError):
    """Two altitudes of different datums were to be compared with nothing to join them."""

    code = "datum_unknown"


class ResolutionImpossible(UsageError):
    """No height or speed gives the wanted ground resolution and overlap; the cure says which."""

    code = "resolution_impossible"


class BadRequest(UsageError):
    """A request is well-formed but not meaningful."""

    code = "bad_request"


class Refused(QyranError):
    """The request was understood and the answer is no."""

    code = "refused"
    exit_code = 1


class ScheduleNeverFires(Refused):
    """A schedule is well-formed, but there is no instant at which it begins."""

    code = "schedule_never_fires"


class NothingLeft(Refused):
    """Of an area nothing is left that may be flown over."""

    code = "nothing_left"


class PlanUnsafe(Refused):
    """A plan has an error-level finding and may not reach a vehicle."""

    code = "plan_unsafe"
    finding: str = ""
    """Code of the first such finding, where there is one."""


class IllegalMove(Refused):
    """A state may not follow the present one."""

    code = "illegal_move"


class NotFound(Refused):
    """No such thing, or none that this person may see."""

    code = "not_found"


class VersionConflict(Refused):
    """Somebody else has changed it since it was read."""

    code = "version_conflict"


class ClaimedByOther(Refused):
    """Another reviewer holds the incident."""

    code = "claimed_by_other"


class NotClaimed(Refused):
    """The incident must be claimed before it is decided."""

    code = "not_claimed"


class LeaseHeld(Refused):
    """Somebody else commands the asset."""

    code = "lease_held"


class LeaseStale(Refused):
    """The lease that a command names is not in force: its term is older, another's, or over."""

    code = "lease_stale"


class SkyCleared(Refused):
    """The sky has been cleared, and nothing starts until somebody lifts that."""

    code = "sky_cleared"


class FlownByHand(Refused):
    """A pilot has taken the sticks; nothing is ordered until somebody takes the vehicle back."""

    code = "flown_by_hand"


class CapabilityMissing(Refused):
    """The vehicle, or the way in which it is commanded, can't do what was asked for."""

    code = "capability_missing"


class NotAllowed(Refused):
    """This person's roles do not allow it."""

    code = "not_allowed"


class NotSignedIn(Refused):
    """No valid session or token came with the request."""

    code = "not_signed_in"


class TooManyTries(Refused):
    """Too many failed sign-ins or requests; wait and try again."""

    code = "too_many_tries"
    retry_after_s: int | None = None
    """When the next try makes sense, in seconds; `None` where it is not known."""


class PreconditionMissing(Refused):
    """A change came without the version it is based on (If-Match)."""

    code = "precondition_missing"


class KeyReused(Refused):
    """An idempotency key came again with another content."""

    code = "key_reused"


class TooLarge(Refused):
    """An upload or body is larger than the limit."""

    code = "too_large"


class PoseUnknown(Refused):
    """There is no pose near enough in time."""

    code = "pose_unknown"


class AlreadyThere(Refused):
    """Something is where something new was to be put; it is not overwritten."""

    code = "already_there"


class SortieFailed(Refused):
    """A sortie could not go on."""

    code = "sortie_failed"


class VehicleUnreachable(SortieFailed):
    """No autopilot answered."""

    code = "vehicle_unreachable"


class LinkLost(SortieFailed):
    """The vehicle fell silent during a sortie."""

    code = "link_lost"


class UploadMismatch(SortieFailed):
    """What the vehicle holds differs from what was sent."""

    code = "upload_mismatch"


class PartialUpload(SortieFailed):
    """An upload failed, and what the vehicle holds now could neither be undone nor cleared."""

    code = "upload_partial"


class PlanDrifted(SortieFailed):
    """What the vehicle holds is no longer what was uploaded to it."""

    code = "plan_drifted"


class SigningUnavailable(SortieFailed):
    """Signed commands are demanded, and there is no key or no way to sign them."""

    code = "signing_unavailable"


class ArmingDenied(SortieFailed):
    """The vehicle would not arm; the message holds its own words."""

    code = "arming_denied"


class FailsafesAstray(SortieFailed):
    """An aircraft does not hold the failsafe settings that it must; it was not told to arm."""

    code = "failsafes_astray"


class StartRefused(SortieFailed):
    """The vehicle did not enter its mission."""

    code = "start_refused"


class EnvironmentFault(QyranError):
    """The machine lacks what the work needs."""

    code = "environment_fault"
    exit_code = 3


class PortInUse(EnvironmentFault):
    """Another program listens there."""

    code = "port_in_use"


class DiskFull(EnvironmentFault):
    """There was no room to write; nothing stored was touched."""

    code = "disk_full"


class ExtraMissing(EnvironmentFault):
    """An optional package is not installed."""

    code = "extra_missing"


class StoreTooNew(EnvironmentFault):
    """The data folder was written by a newer Qyran."""

    code = "store_too_new"


class StoreOutdated(EnvironmentFault):
    """The data folder must be migrated first (`qyran upgrade`)."""

    code = "store_outdated"


class StoreUnreadable(EnvironmentFault):
    """The data folder can't be read or written."""

    code = "store_unreadable"


class StoreInUse(EnvironmentFault):
    """Another process uses the data folder, and what was asked for needs it alone."""

    code = "store_in_use"


class EvidenceDamaged(EnvironmentFault):
    """Stored bytes no longer match their SHA-256."""

    code = "evidence_damaged"


class ArchiveDamaged(EnvironmentFault):
    """A backup is not whole, or not what it was when it was written."""

    code = "archive_damaged"


class PageMissing(EnvironmentFault):
    """The web page was not built into this installation."""

    code = "page_missing"


class DetectorFailed(EnvironmentFault):
    """The network could not run on a batch."""

    code = "detector_failed"
