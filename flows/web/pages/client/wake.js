/** Keep the screen lit while something runs, where the browser can. */

let lock = null;
let wanted = false;

export function keepAwake(on) {
  if (on === wanted) return;
  wanted = on;
  follow();
}

async function follow() {
  if (!("wakeLock" in navigator)) return;
  if (wanted && !lock && document.visibilityState === "visible") {
    try {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => { lock = null; });
    } catch {
      lock = null;
    }
  } else if (!wanted && lock) {
    await lock.release().catch(() => {});
  }
}

document.addEventListener("visibilitychange", follow);
