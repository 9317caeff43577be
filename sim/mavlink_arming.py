"""How a simulated PX4 asks over the wire whether it may arm, before it does."""

import time
from collections.abc import Callable

from pymavlink.dialects.v20 import common as m

from sim.arm_authorisation import ArmAuthorisation, Permit
from sim.autopilot import CRITICAL, INFO, Autopilot

_REQUEST = 3001
_ACCEPTED, _TEMPORARILY_REJECTED = 0, 1


class WireArming:
    """Takes orders to arm; the seconds in which it waits are real ones, as the ground's are."""

    def __init__(
        self,
        pilot: Autopilot,
        send: Callable[[m.MAVLink_message], None],
        *,
        system_id: int,
        refusal: int,
    ) -> None:
        """Takes the autopilot and the way out.

        Args:
            pilot: the autopilot.
            send: sends a message.
            system_id: its own.
            refusal: MAV_RESULT of an order that it does not obey.
        """
        self._pilot, self._send, self._refusal = pilot, send, refusal
        self._system_id = system_id
        self._permit = ArmAuthorisation()
        self._ordered_by: m.MAVLink_message | None = None

    def order(self, message: m.MAVLink_message) -> int | None:
        """Arms, or asks first; returns the result, `None` where it is sent later."""
        held = self._pilot.parameters
        if not held.get("COM_ARM_AUTH_REQ") or self._pilot.armed:
            return self._arm()
        permit, asks = self._permit.order(
            time.monotonic(), method=int(held["COM_ARM_AUTH_MET"]),
            timeout_s=float(held["COM_ARM_AUTH_TO"]),
        )  # fmt: skip
        if permit is Permit.GIVEN:
            return self._arm(permitted=True)
        if asks:
            self._send(
                m.MAVLink_command_long_message(
                    int(held["COM_ARM_AUTH_ID"]), 0, _REQUEST, 0, 0, 0, 0, 0, 0, 0, 0
                )
            )
        if permit is Permit.LATER:
            return _TEMPORARILY_REJECTED
        self._ordered_by = message
        return None

    def hear(self, message: m.MAVLink_message) -> None:
        """Takes a COMMAND_ACK, from whoever it comes, as PX4 does."""
        own = message.target_system == self._system_id
        if message.command != _REQUEST or not own or not self._permit.waiting:
            return
        result, reason, valid_s = message.result, message.progress, message.result_param2
        words = self._permit.hear(result, reason, valid_s, time.monotonic())
        self._say(words, INFO if result == _ACCEPTED else CRITICAL)
        if not self._permit.waiting:
            self._answer()

    def idle(self) -> None:
        """Gives up on an answer when it is time."""
        words = self._permit.idle(time.monotonic())
        if words:
            self._say(words, CRITICAL)
            self._answer()

    def _answer(self) -> None:
        """Answers the order that has waited."""
        ordered, self._ordered_by = self._ordered_by, None
        if ordered is None:
            return
        result = self._refusal
        if self._permit.approved(time.monotonic()):
            result = self._arm(permitted=True)
        else:
            self._say("Arm authorization denied", CRITICAL)
        self._send(
            m.MAVLink_command_ack_message(
                ordered.command, result, 0, 0, ordered.get_srcSystem(), ordered.get_srcComponent()
            )
        )

    def _arm(self, *, permitted: bool = False) -> int:
        self._pilot.permitted_to_arm = permitted
        done = self._pilot.arm()
        self._pilot.permitted_to_arm = False
        return _ACCEPTED if done else self._refusal

    def _say(self, words: str, severity: int) -> None:
        if words:
            self._pilot.say(severity, words)
