"""How the page looks, beyond the theme."""

STYLE = """
<style>
.stMainBlockContainer { padding: 2.6rem 2rem 3rem; }
.st-key-canvas { touch-action: none; overflow: hidden; border-radius: .6rem;
  width: 280px; height: 280px; border: 1px solid rgba(128,128,128,.45); }
.st-key-script { position: absolute; }
.digit { font-size: 7.5rem; line-height: 1; font-weight: 700; min-height: 7.5rem; }
.digit:empty { display: none; }
.digit.none { font-size: 2rem; padding-top: 2.5rem; opacity: .75; white-space: nowrap; }
.bars.refused .fill { filter: grayscale(1); opacity: .45; }
.seen .boxes { position: relative; width: 180px; }
.seen .boxes img { width: 100%; height: auto; display: block; image-rendering: auto; }
.seen .boxes i { position: absolute; border: 2px solid; border-radius: .2rem; }
.cards { display: flex; flex-direction: column; gap: .5rem; }
.card { display: grid; grid-template-columns: 3rem 2rem 1fr 4.2rem; gap: .7rem;
  align-items: center; }
.card img { width: 3rem; height: 3rem; image-rendering: pixelated; border-radius: .3rem; }
.card b { font-size: 2rem; line-height: 1; text-align: center; }
.card .track { background: rgba(128,128,128,.16); border-radius: .35rem; height: 1.2rem;
  overflow: hidden; }
.card .fill { height: 100%; }
.card .value { font-size: 1.1rem; font-variant-numeric: tabular-nums; text-align: right; }
.card.weak { opacity: .6; }
.hint:empty, .st-key-prediction:has(.digit:empty) { display: none; }
.hint { margin: .6rem 0 0; font-size: 1.15rem; line-height: 1.8rem; }
.top { min-height: 5.4rem; font-size: 1.15rem; line-height: 1.8rem; }
.top p { margin: 0; }
.top div { white-space: nowrap; }
.top b { display: inline-block; min-width: 1.2rem; }
.top span { opacity: .8; font-variant-numeric: tabular-nums; }
.seen { display: flex; flex-direction: column; gap: .35rem; }
.seen img { width: 140px; height: 140px; image-rendering: pixelated;
  border-radius: .4rem; background: #000; border: 1px solid rgba(128,128,128,.45); }
.seen small { opacity: .8; white-space: nowrap; }
.bars { display: grid; grid-template-columns: 1.4rem 1fr 4.2rem; gap: .46rem .6rem;
  align-items: center; }
.bars .label { font-size: 1.35rem; font-weight: 600; text-align: right; }
.bars .track { background: rgba(128,128,128,.16); border-radius: .35rem; height: 1.7rem;
  overflow: hidden; }
.bars .fill { height: 100%; border-radius: .35rem; transition: width .12s linear; }
.bars .value { font-size: 1.1rem; font-variant-numeric: tabular-nums; text-align: right; }
.bars .weak { opacity: .65; }
.bars .axis { grid-column: 2; font-size: .85rem; opacity: .8; text-align: center; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .3rem .9rem; font-size: .9rem; }
.facts b { opacity: .75; font-weight: 400; }
.net { display: flex; flex-direction: column; align-items: stretch; font-size: .82rem; }
.net div { display: flex; justify-content: space-between; gap: .6rem; padding: .2rem .6rem;
  border-radius: .4rem; border: 1px solid rgba(128,128,128,.35); }
.net .learns { background: rgba(76,120,221,.18); }
.net i { text-align: center; font-style: normal; opacity: .5; line-height: .85rem; }
.net small { opacity: .8; text-align: right; }
.tiles { display: flex; flex-wrap: wrap; gap: .45rem .4rem; }
.tile { display: flex; flex-direction: column; align-items: center; gap: .1rem; padding: 0;
  min-width: var(--side); border: 0; background: none; color: inherit; font: inherit;
  cursor: pointer; }
.tile span { position: relative; width: var(--side); height: var(--side); background: #000
  var(--sheet); background-size: var(--sheet-size); image-rendering: pixelated;
  border-radius: .35rem; box-shadow: 0 0 0 1px rgba(128,128,128,.45); }
.tile.wrong span { box-shadow: 0 0 0 2px #d9485f; }
.tile.right span { box-shadow: 0 0 0 2px #2fa866; }
.tile.chosen span, .tile:hover span, .tile:focus-visible span { box-shadow: 0 0 0 3px #f28e2b; }
.tile:focus-visible { outline: none; }
.tile i { position: absolute; right: 0; bottom: 0; padding: 0 .2rem; color: #fff;
  border-radius: .3rem 0 .35rem 0; font-style: normal; font-size: .72rem; line-height: 1.05rem;
  background: #2fa866; }
.tile.wrong i { background: #d9485f; }
.tile small { font-size: .72rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4rem 1rem 2rem; }
  :is(.st-key-given, [data-testid="stLayoutWrapper"]:has(> .st-key-given)) {
    display: contents !important; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-answer) { order: 1; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-pen) { order: 2; width: 280px !important; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-probabilities) { order: 3; }
  .st-key-answer { flex-direction: row !important; width: 100% !important; gap: 1.2rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-answer) { width: 100% !important; }
  .st-key-answer > div { width: auto !important; flex-shrink: 0; }
  .digit { font-size: 5.5rem; min-height: 5.5rem; min-width: 3.4rem; }
  .digit.none { font-size: 1.4rem; padding-top: 1.5rem; white-space: normal; width: 5rem; }
  .top { font-size: 1rem; min-width: 6.5rem; }
  .top p { max-width: 8rem; }
  .hint { margin: 0; min-height: 5.5rem; max-width: 280px; font-size: 1rem; }
  .seen img { width: 84px; height: 84px; }
  .seen { min-width: 8.5rem; }
  .seen .boxes { width: 140px; }
  .st-key-train_tab > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse; }
  .st-key-probabilities { width: 100% !important; }
}
</style>
"""
