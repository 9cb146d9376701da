import { formatted, type GeneratedFile } from "../formatted";
import { configurationReference } from "./markdown";
import { stackFileSchema, stationJsonSchema } from "./schema";

/** The reference of the configuration for people, and for editors. */
export function configurationFiles(): Promise<GeneratedFile[]> {
    return Promise.all([
        formatted("docs/configuration.schema.json", JSON.stringify(stackFileSchema())),
        formatted("docs/configuration.md", configurationReference(stationJsonSchema())),
    ]);
}
