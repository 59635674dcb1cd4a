// The exported site as an app: once it is installed, a service worker keeps it for offline use.

/** @param {URL} root of the site */
export function startApp(root) {
  if (!("serviceWorker" in navigator)) return; // not over plain http, and not from a file
  const keep = () =>
    navigator.serviceWorker
      .register(new URL("sw.js", root), { scope: root.href })
      .catch((error) => {
        console.error(error);
      });
  if (matchMedia("(display-mode: standalone)").matches) keep();
  addEventListener("appinstalled", keep);
}
