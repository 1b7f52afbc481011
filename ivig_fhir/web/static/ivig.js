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
