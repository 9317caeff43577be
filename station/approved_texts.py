"""Reads what may be said over a loudspeaker from the file that a setting names."""

from missions.guided import ApprovedText
from missions.guiding.texts import texts_of
from station.json_file import read_json
from station.settings import Settings


def approved_texts(settings: Settings) -> tuple[ApprovedText, ...]:
    """Returns the approved texts; none where no file is named.

    Raises:
        SourceMissing: if the file is not there.
        SourceUnreadable: if it is no JSON.
        SettingInvalid: if it is no list of texts.
    """
    path = settings.loudspeaker.texts
    return () if path is None else texts_of(read_json(path), str(path))
