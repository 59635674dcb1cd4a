// The whole figure kit: importing this defines its elements and starts linked highlighting.

import { startLinks } from "./link.js";

export { MgCurve } from "./curve.js";
export { define, guarded, KitElement, showFailure } from "./element.js";
export { MgExercise } from "./exercise.js";
export { MgGraph } from "./graph.js";
export { MgHeat } from "./heat.js";
export { MgNumber } from "./number.js";
export { MgPredict } from "./predict.js";
export { copyLink, isHidden, problemLine, urlState } from "./state.js";
export * from "./state-text.js";
export { MgStepper } from "./stepper.js";
export { written } from "./text.js";

startLinks();
