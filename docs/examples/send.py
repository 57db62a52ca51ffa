"""Tells a user that an order was accepted, with nothing but Python.

    WXNOTIFY_SERVER=http://127.0.0.1:8080 WXNOTIFY_KEY=… python3 send.py OPENID TEMPLATE ORDER [FORM_ID]

Run it twice for one order: there is one message. FORM_ID is what the mini
program reported when the user submitted a form; without it, wxnotify takes a
permit that it has already.
"""

import json, os, sys, time, urllib.error, urllib.request

SERVER = os.environ.get("WXNOTIFY_SERVER", "http://127.0.0.1:8080")
KEY = os.environ["WXNOTIFY_KEY"]


class Refused(Exception):
    """The server said no: code is for programs, detail for people."""

    def __init__(self, problem):
        super().__init__(problem["detail"])
        self.code = problem["code"]


def call(method, path, body=None, headers={}):
    """Makes a call that may be repeated: one that changes nothing, or the same when done twice."""
    for attempt in range(5):
        wait = 0.25 * 2**attempt
        request = urllib.request.Request(SERVER + path, json.dumps(body).encode() if body else None, method=method, headers={
            "Authorization": "Bearer " + KEY, "Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as answer:
            if answer.code not in (429, 503):
                raise Refused(json.load(answer))
            failed, wait = answer, float(answer.headers.get("Retry-After", wait))
        except OSError as broken:  # whether it arrived is not known: the Idempotency-Key makes it safe to ask again
            failed = broken
        time.sleep(wait)
    raise failed


def hand_in(openid, form_id):
    """Hands in a permit. The same form_id twice counts once."""
    [result] = call("POST", "/v1/permits", {"permits": [{"touser": openid, "source": "form", "code": form_id}]})["results"]
    if "error" in result:
        raise Refused(result["error"])


def notify(openid, template, order):
    """Sends, and waits up to five seconds to see what becomes of it."""
    return call("POST", "/v1/messages?wait_ms=5000", {
        "touser": openid,
        "template_id": template,
        "page": "pages/order/detail?id=" + order,
        "data": {"keyword1": "已接单", "keyword2": "2017年10月19日 12:31", "keyword3": "张一山", "keyword4": "136xxxx1720", "keyword5": "请手机保持通畅"},
        "emphasis_keyword": "keyword1.DATA",
        "meta": {"order": order},
    }, {"Idempotency-Key": f"order-{order}-accepted"})


try:
    openid, template, order, *form_id = sys.argv[1:]
    if form_id:
        hand_in(openid, form_id[0])
    message = notify(openid, template, order)
    print(message["id"], message["state"], message["reason"] or "")
    sys.exit(message["state"] in ("failed", "expired", "unknown"))
except Refused as no:
    sys.exit(f"refused: {no.code}: {no}")
