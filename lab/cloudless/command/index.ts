import type { ProviderPackage } from "../../cloud/kind";
import { localCommand } from "./local";
import { copyToRemote, remoteCommand } from "./remote";

export const command: ProviderPackage = {
    name: "command",
    kinds: [copyToRemote, localCommand, remoteCommand],
};
