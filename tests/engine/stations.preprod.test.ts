import { describeStack } from "./stations";

describe("stack preprod, by the real engine", () => describeStack("preprod"));
