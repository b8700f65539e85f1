"""An AWS client that answers what a test tells it to, in the shape of boto3's."""

from botocore.exceptions import ClientError, ReadTimeoutError

TIMEOUT = ReadTimeoutError(endpoint_url="https://events.example")


def refusal(code, status=400):
    return ClientError(
        {"Error": {"Code": code, "Message": "told to"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op"
    )


class Client:
    """Each call takes the next answer: an error to raise, or failures by place in the call; then all succeed."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.calls = []

    def put_events(self, Entries):  # noqa: N803 - boto3's own
        self.calls.append(Entries)
        failures = self._next()
        return {
            "FailedEntryCount": len(failures),
            "Entries": [
                {"ErrorCode": failures[i], "ErrorMessage": "told to"} if i in failures else {"EventId": str(i)}
                for i in range(len(Entries))
            ],
        }

    def put_metric_data(self, Namespace, MetricData):  # noqa: N803 - boto3's own
        self.calls.append(MetricData)
        self._next()

    def close(self):
        pass

    def _next(self):
        answer = self._answers.pop(0) if self._answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer
