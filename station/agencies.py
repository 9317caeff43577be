"""The agencies of Kosshy that accounts belong to and incidents go to."""

from api.accounts import Agency
from core.ids import AgencyId

POLICE = AgencyId("police")
ROADS = AgencyId("roads")
CLEANING = AgencyId("cleaning")
LIGHTING = AgencyId("lighting")
GREENERY = AgencyId("greenery")

AGENCIES: tuple[Agency, ...] = (
    Agency(POLICE, {"kk": "Полиция", "ru": "Полиция", "en": "Police"}, service=False),
    Agency(ROADS, {"kk": "Жол қызметі", "ru": "Дорожная служба", "en": "Roads"}),
    Agency(CLEANING, {"kk": "Тазалық қызметі", "ru": "Служба уборки", "en": "Cleaning"}),
    Agency(LIGHTING, {"kk": "Жарықтандыру қызметі", "ru": "Служба освещения", "en": "Lighting"}),
    Agency(GREENERY, {"kk": "Көгалдандыру қызметі", "ru": "Служба озеленения", "en": "Greenery"}),
)
