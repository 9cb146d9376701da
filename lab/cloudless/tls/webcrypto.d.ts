import type { webcrypto } from "node:crypto";

// @peculiar/x509 speaks of the browser's global types; Node's are the same under another name.
declare global {
    type CryptoKey = webcrypto.CryptoKey;
    type CryptoKeyPair = webcrypto.CryptoKeyPair;
}
