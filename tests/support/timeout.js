"use strict";

// How long a test or hook may take depends on its kind; see jest.config.js. Beside drills it may take longer.
const patience = Number(process.env.AERIAL_TEST_PATIENCE ?? 1);
const { testTimeoutSeconds } = /** @type {typeof globalThis & { testTimeoutSeconds: number }} */ (globalThis);
jest.setTimeout(testTimeoutSeconds * patience * 1000);
