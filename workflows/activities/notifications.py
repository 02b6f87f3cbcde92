"""Remind a named contact: the workflow names a place on the ladder, the settings say who."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.kernel import telemetry
from workflows import contracts, reminders
from workflows.config import NotifierSettings
from workflows.contracts import RemindRequest, RemindResult
from workflows.notifier import LogNotifier, Message, Notifier, NotSentError, SmtpNotifier


class NotificationActivities:
    def __init__(self, settings: NotifierSettings) -> None:
        self._contacts = settings.contacts
        self._notifier: Notifier = SmtpNotifier(settings.smtp) if settings.smtp else LogNotifier()

    @activity.defn(name=contracts.ACTIVITY_REMIND)
    async def remind(self, request: RemindRequest) -> RemindResult:
        """One message, however often it is tried: its Message-ID follows from the key.

        Raises:
            ApplicationError: nobody took it; final when the contact's server refuses the contact.
        """
        telemetry.bind_referral(request.referral_id)
        message = Message(
            key=request.key,
            level=request.level,
            to=self._contacts.of(request.level, request.platform) if self._contacts else "",
            subject=reminders.subject(request),
            body=reminders.body(request),
            referral_id=request.referral_id,
        )
        try:
            await self._notifier.send(message)
        except NotSentError as error:
            raise ApplicationError(
                str(error), type="REMINDER_NOT_SENT", non_retryable=error.final
            ) from error
        return RemindResult(self._notifier.channel)
