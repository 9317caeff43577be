"""A driver who is asked at their page, which reads what is asked of them by itself."""

from missions.model import Plan


class PageDriver:
    """A `Driver` to whom nothing needs to be sent.

    The page asks the station every few seconds for the sortie of its car: a route that is under
    way is driven, one that holds is not, one that returns is over. An order that reached a phone
    only by being sent would be lost on one that has no network just then.
    """

    def show(self, plan: Plan) -> None:
        """Leaves it to the page to read the route."""

    def go(self) -> None:
        """Leaves it to the page to see that the sortie is under way."""

    def wait(self) -> None:
        """Leaves it to the page to see that the sortie holds."""

    def come_back(self) -> None:
        """Leaves it to the page to see that the sortie returns."""
