// Asks again for what apps have written, and changes user at once. The page works without it.
"use strict";
(function () {
  const part = document.getElementById("activity");
  const who = document.getElementById("who");
  const launch = document.getElementById("launch");
  let last = null;

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.address, { cache: "no-store" });
      if (!answer.ok) return;
      const text = await answer.text();
      // Replaced only when it changed, so that a list keeps its place while somebody reads it.
      if (last !== null && text !== last) part.innerHTML = text;
      last = text;
    } catch (error) {
      // The server is away for a moment; the next turn asks again.
    }
  }

  if (part) {
    refresh();
    setInterval(refresh, 2000);
  }
  if (who) {
    who.querySelector("select").addEventListener("change", () => who.submit());
  }
  if (launch) {
    launch.addEventListener("submit", (event) => {
      if (!event.submitter || event.submitter.formTarget !== "_blank") {
        document.getElementById("app").scrollIntoView({ block: "nearest" });
      }
    });
  }
})();
