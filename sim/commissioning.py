"""Sets a simulated aircraft up as one must be before it may arm for us."""

from dataclasses import replace

from missions.failsafes.contracts import contract_for
from missions.failsafes.requirements import Held, compare
from sim.autopilot import Autopilot


def commission(pilot: Autopilot) -> None:
    """Gives an aircraft the settings that its failsafe contract wants, as its owner once would.

    What the contract asks of a plan alone is left to the upload of that plan.
    """
    contract = contract_for(replace(pilot.asset, autopilot=pilot.kind))
    held = {
        one.code: Held(spelling.name, float(pilot.parameters[spelling.name]))
        for one in contract.requirements
        for spelling in one.spelled
        if spelling.name in pilot.parameters
    }
    for found in compare(contract, held):
        if found.correction is None or found.name not in pilot.parameters:
            raise ValueError(f"a simulated aircraft can't be commissioned: {found}")
        kind = type(pilot.parameters[found.name])
        pilot.parameters[found.name] = kind(found.correction)
