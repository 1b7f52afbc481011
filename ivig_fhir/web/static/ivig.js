// Progressive refreshment only: every form works without this file. A changed choice recalculates at once.
const atOnce = ["indication", "regimen", "product", "policy", "setting"].map((name) => "#x-" + name).join(", ");
document.querySelectorAll(`${atOnce}, #companions input`).forEach((field) => {
  field.addEventListener("change", () => field.form.requestSubmit());
});
document.querySelectorAll("button[aria-disabled=true]").forEach((button) => {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const first = document.querySelector(".f.need select");
    if (first) { first.scrollIntoView({ block: "center" }); first.focus(); }
  });
});

// The worklist: filtered and refreshed in place, and walked with the arrow keys, Home and End; Escape leads back to the search. The server draws it; here it is only put in the page.
const list = document.getElementById("worklist"), filter = document.getElementById("filter");
if (list && filter) {
  const every = 60000;
  const said = document.getElementById("said");
  const here = () => document.getElementById("worklist").dataset.page;
  let asked = 0;
  const refresh = (page) => {
    const mine = ++asked, call = new XMLHttpRequest();
    call.open("POST", filter.action);
    call.responseType = "document"; // parsed by the browser, scripts in it never run
    call.onloadend = () => {
      if (mine !== asked) return; // a later answer counts
      const made = call.status === 200 && call.response && call.response.getElementById("worklist");
      if (!made) { said.textContent = "The list could not be refreshed."; said.className = "card f unk"; return; }
      said.className = "vh";
      const at = document.activeElement.closest("#worklist tr"), kind = document.activeElement.tagName;
      const now = document.getElementById("worklist"), before = now.querySelector("caption").textContent;
      now.replaceWith(document.adoptNode(made));
      document.getElementById("read-at").replaceWith(document.adoptNode(call.response.getElementById("read-at")));
      const counts = call.response.getElementById("status").options;
      [...document.getElementById("status").options].forEach((option, n) => { option.textContent = counts[n].textContent; });
      if (at && at.id && document.getElementById(at.id)) document.getElementById(at.id).querySelector(kind).focus();
      const caption = made.querySelector("caption").textContent;
      if (caption !== before) said.textContent = caption;
    };
    const sent = new FormData(filter);
    sent.append("page", page);
    call.send(sent);
  };
  let pause;
  filter.addEventListener("submit", (event) => { event.preventDefault(); refresh(1); });
  filter.addEventListener("change", () => refresh(1));
  filter.querySelector("[type=search]").addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(() => refresh(1), 250); });
  document.getElementById("refresh").addEventListener("click", (event) => { event.preventDefault(); refresh(here()); });
  setInterval(() => { if (document.visibilityState === "visible") refresh(here()); }, every);
  document.addEventListener("keydown", (event) => {
    const row = event.target.closest && event.target.closest("#worklist tbody tr");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = {
      ArrowDown: () => row.nextElementSibling, ArrowUp: () => row.previousElementSibling,
      Home: () => row.parentNode.firstElementChild, End: () => row.parentNode.lastElementChild,
    }[event.key];
    const to = event.key === "Escape" ? filter.querySelector("[type=search]") : next && next() && next().querySelector("th a");
    if (to) { event.preventDefault(); to.focus(); }
  });
}

// The whole text at one press; where a frame may not use the clipboard the text stays selected, for the keyboard.
document.querySelectorAll("button[data-copies]").forEach((button) => {
  const text = document.getElementById(button.dataset.copies);
  const said = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.focus();
    text.select();
    let copied = document.execCommand("copy");
    if (!copied && navigator.clipboard) { copied = await navigator.clipboard.writeText(text.value).then(() => true, () => false); }
    said.textContent = copied ? "Copied." : "Not copied: the text is selected, press Ctrl and C.";
  });
});
