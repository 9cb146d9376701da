import type { ProviderPackage } from "../cloud/kind";
import { computeFunctions, computeKinds } from "./compute";
import { iamKinds } from "./iam";
import { s3Kinds } from "./s3";

export const aws: ProviderPackage = {
    name: "aws",
    kinds: [...s3Kinds, ...iamKinds, ...computeKinds],
    functions: [...computeFunctions],
};
