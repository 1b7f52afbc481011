// Progressive refreshment only: every form works without this file. A changed choice recalculates at once.
document.querySelectorAll("#choices select, #companions input").forEach((field) => {
  field.addEventListener("change", () => field.form.requestSubmit());
});
document.querySelectorAll("button[aria-disabled=true]").forEach((button) => {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const first = document.querySelector(".f.need select");
    if (first) { first.scrollIntoView({ block: "center" }); first.focus(); }
  });
});
