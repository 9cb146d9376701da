import { describeStack } from "./stations";

describe("stack prod, by the real engine", () => describeStack("prod"));
