"""What may be said over a loudspeaker: texts that somebody has approved, and no others."""

from collections.abc import Mapping, Sequence

from core.errors import NotFound, SettingInvalid
from core.names import is_one_line
from missions.guided import ApprovedText

_LONGEST = 500
_FIELDS = ("id", "language", "words")


def texts_of(document: object, where: str) -> tuple[ApprovedText, ...]:
    """Returns the approved texts of a JSON list of objects with id, language and words.

    Raises:
        SettingInvalid: if it is no such list, a text is empty, too long or on several lines, or
            one stands there twice.
    """
    if not isinstance(document, list):
        raise _wrong("it is no list of texts", where)
    found: dict[tuple[str, str], ApprovedText] = {}
    for number, row in enumerate(document):
        place = f"{where}, text {number}"
        if not isinstance(row, Mapping) or set(row) != set(_FIELDS):
            raise _wrong("a text has an id, a language and words", place)
        text_id, language, words = (row[name] for name in _FIELDS)
        if not all(isinstance(one, str) and one.strip() for one in (text_id, language, words)):
            raise _wrong("a text has an id, a language and words", place)
        if len(words) > _LONGEST or not is_one_line(words):
            raise _wrong(f"it is not one line of at most {_LONGEST} letters", place)
        if (text_id, language) in found:
            raise _wrong(f"{text_id} in {language} stands there twice", place)
        found[text_id, language] = ApprovedText(text_id, language, words)
    return tuple(found.values())


def approved(texts: Sequence[ApprovedText], text_id: str, language: str) -> ApprovedText:
    """Returns an approved text.

    Raises:
        NotFound: if nobody has approved it in that language.
    """
    for text in texts:
        if (text.text_id, text.language) == (text_id, language):
            return text
    raise NotFound(
        "nobody has approved such a text",
        where=f"{text_id} ({language})",
        cure="choose one of /approved-texts",
    )


def _wrong(message: str, where: str) -> SettingInvalid:
    return SettingInvalid(message, where=where, cure="mend the file of approved texts")
