"""Who may ask, and what an answer may do: checked before and added after every request."""

import hashlib
import hmac
import os
import re
import time

from flask import Flask, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from aa.app.desk import desk
from aa.config.app import LEAST_TOKEN, LOOPBACK, ServerConfig
from aa.errors import UserError

COOKIE = "aa_session"  # how names of cookies begin
SAFE = ("GET", "HEAD")
OPEN = ("login", "static")  # endpoints that nobody has to log in for
HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?")
SLOW = 0.5  # seconds that a wrong token costs
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A report is a page of its own, with its script inside: it gets an origin of its own, from which
# nothing of ours can be read or asked, and nothing of the network at all.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; media-src data:; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def token_of(options: ServerConfig) -> str | None:
    """The secret to log in with, taken from the environment where it is said to be there.

    Raises:
        UserError: it is not there, or too short.
    """
    if options.token is None or not options.token.startswith("env:"):
        return options.token
    name = options.token.removeprefix("env:")
    token = os.environ.get(name, "")
    if len(token) < LEAST_TOKEN:
        raise UserError(
            f"app.token=env:{name}: the variable must hold a secret of {LEAST_TOKEN} characters or "
            f"more, and has {len(token)}."
        )
    return token


def protect(app: Flask) -> None:
    """Let every request of an application be checked, and every answer be restricted."""
    app.before_request(_check)
    app.after_request(_restrict)
    app.add_url_rule("/login", "login", login, methods=["GET", "POST"])


def login() -> AnyResponse | str:
    """Trade the token for a cookie."""
    from flask import render_template  # beside the other uses of templates

    if request.method == "GET":
        return render_template("login.html", wrong=False)
    token = desk().token or ""
    if not hmac.compare_digest(request.form.get("token", "").encode(), token.encode()):
        time.sleep(SLOW)
        return Response(render_template("login.html", wrong=True), 403)
    answer = redirect(url_for("home.home"), 303)
    answer.set_cookie(_cookie(), _session(), httponly=True, samesite="Strict")
    return answer


def _check() -> AnyResponse | None:
    """Refuse what does not come from this page, or from somebody who may not."""
    _check_host()
    _check_origin()
    if desk().token is None or request.endpoint in OPEN:
        return None
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if hmac.compare_digest(request.cookies.get(_cookie(), "").encode(), _session().encode()):
        return None
    if given and hmac.compare_digest(given.encode(), (desk().token or "").encode()):
        return None
    if request.method in SAFE and request.accept_mimetypes.accept_html:
        return redirect(url_for("login"), 303)
    abort(401, "log in first.")


def _check_host() -> None:
    """A name of somebody's that leads to this address (DNS rebinding) is not ours.

    With a token any name will do: the cookie is that of the name it was given under. Any port will
    do too: through a tunnel it is another one.
    """
    name = _name(request.headers.get("Host", ""))
    if name is None or (desk().token is None and name.strip("[]") not in LOOPBACK):
        abort(400, "the Host header is none of this server's.")


def _check_origin() -> None:
    """What changes something comes from a page of ours; other sites read nothing either."""
    origin, own = request.headers.get("Origin"), f"http://{request.headers.get('Host', '')}"
    if origin not in (None, own):
        abort(403, "this request comes from another site.")
    if request.method not in SAFE and origin is None:
        abort(403, "a request that changes something must say where it comes from.")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    visit = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    if site not in ("same-origin", "none") and not (visit and _is_page()):
        abort(403, "this request comes from another site.")


def _is_page() -> bool:
    """Return whether a link from elsewhere may lead here: to a page, in a tab of its own."""
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _name(host: str) -> str | None:
    """The name in a Host header; None of what is none."""
    match = HOST.fullmatch(host)
    return match[1].lower() if match else None


def _cookie() -> str:
    """The name of this page's cookie: other ports of a host get the same cookies."""
    home = os.fsencode(os.path.realpath(desk().home))
    return f"{COOKIE}_{hashlib.sha256(home).hexdigest()[:12]}"


def _session() -> str:
    """The cookie of who has logged in, since this server started."""
    return hmac.new(desk().session, (desk().token or "").encode(), hashlib.sha256).hexdigest()


def _restrict(answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer
