"""The service's errors, and what a customer of the application is told instead."""

import json

RETRY_AFTER_SECONDS = "5"

INTERNAL = (500, "internal_error", "Something went wrong on our side.")
# The customer's own situation is said by the code, because a status such as 403 has other causes as well: a key
# that was mixed up or a group that is not assigned is the application's fault, and the customer's no business.
BY_CODE = {
    "insufficient_credits": (402, "out_of_credits", "Your plan has no credits left."),
    "team_suspended": (403, "suspended", "Your account is suspended."),
    "organization_suspended": (403, "suspended", "Your account is suspended."),
    "upstream_rejected_request": (422, "not_processable", "This content cannot be processed."),
    "body_too_large": (413, "too_large", "This is too much at once."),
}
BY_STATUS = {
    402: (402, "out_of_credits", "Your plan has no credits left."),
    429: (503, "busy", "Please try again in a moment."),
    502: (502, "no_answer", "This could not be processed. Nothing was charged."),
    503: (503, "busy", "Please try again in a moment."),
    504: (502, "no_answer", "This could not be processed. Nothing was charged."),
}


class ServiceProblem(Exception):
    """The service answered with an error, or not at all."""

    def __init__(self, status, code, detail, retry_after=None):
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @classmethod
    def from_answer(cls, status, headers, text):
        try:
            problem = json.loads(text)
            code, detail = problem["code"], problem["detail"]
        except (ValueError, KeyError, TypeError):  # something between us and the service answered
            code, detail = "no_problem_document", f"The answer was {status} without a problem document."
        return cls(status, code, detail, headers.get("Retry-After"))

    @property
    def may_pass(self):
        """Whether the same request may succeed later. Only a completion is sent again on this ground."""
        return self.status in (429, 500, 502, 503, 504)

    def customer_answer(self):
        """Status, body and headers. The service's `detail` is written for the application's developers."""
        status, error, message = BY_CODE.get(self.code) or BY_STATUS.get(self.status, INTERNAL)
        headers = {"Retry-After": self.retry_after or RETRY_AFTER_SECONDS} if status == 503 else {}
        return status, {"error": error, "message": message}, headers
