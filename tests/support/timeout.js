"use strict";

// How long a test or hook may take depends on its kind; see jest.config.js.
jest.setTimeout(globalThis.testTimeoutSeconds * 1000);
