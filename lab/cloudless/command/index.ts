import type { ProviderPackage } from "../../cloud/kind";
import { localCommand } from "./local";
import { remoteCommand } from "./remote";

export const command: ProviderPackage = {
    name: "command",
    kinds: [localCommand, remoteCommand],
};
