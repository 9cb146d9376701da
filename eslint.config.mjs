import pulumi from "@pulumi/eslint-plugin";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
    { ignores: ["node_modules/", ".lab/", ".test/", "tests/engine/golden/"] },
    {
        files: ["**/*.ts", "components/**/*.mjs"],
        ignores: ["**/*.d.ts"],
        extends: [tseslint.configs.recommendedTypeChecked],
        plugins: { "@pulumi": pulumi },
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            // An Output in a text becomes "Calling [toString] on an [Output<T>] is not supported" on a machine.
            "@pulumi/no-output-in-template-literal": "error",
            "@pulumi/no-output-instance-in-template-literal": "error",
            eqeqeq: "error",
            // A listener count or a port of 0 is a value.
            "@typescript-eslint/prefer-nullish-coalescing": [
                "error",
                { ignorePrimitives: { string: true, boolean: true } },
            ],
            "@typescript-eslint/no-non-null-assertion": "error",
            "@typescript-eslint/switch-exhaustiveness-check": [
                "error",
                { considerDefaultExhaustiveForUnions: true },
            ],
            "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
            "@typescript-eslint/no-unused-vars": [
                "error",
                { argsIgnorePattern: "^_", ignoreRestSiblings: true },
            ],
            // Interfaces such as a provider's are asynchronous whether or not an answer needs waiting.
            "@typescript-eslint/require-await": "off",
        },
    },
    {
        // A type that JSDoc gives to what JSON holds is no cast to these rules.
        files: ["components/**/*.mjs"],
        rules: { "@typescript-eslint/no-unsafe-assignment": "off" },
    },
    {
        // What NGINX runs on machines, by njs.
        files: ["config-templates/**/*.js"],
        ignores: ["config-templates/monitoring/page/site/*.js"],
        extends: [tseslint.configs.recommendedTypeChecked],
        languageOptions: {
            parserOptions: {
                project: "tools/javascript/tsconfig.json",
                tsconfigRootDir: import.meta.dirname,
            },
        },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            eqeqeq: "error",
            // NGINX would start, and every request that needs the script would fail.
            "no-restricted-syntax": [
                "error",
                ...[
                    "ForOfStatement",
                    "ObjectPattern",
                    "ArrayPattern",
                    "SpreadElement",
                    "ClassDeclaration",
                ].map((selector) => ({ selector, message: "njs does not know it." })),
            ],
            "@typescript-eslint/no-unused-vars": ["error", { caughtErrors: "none" }],
            // What JSON holds, and what is thrown, is any: JSDoc says what comes of it.
            "@typescript-eslint/no-unsafe-return": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-member-access": "off",
        },
    },
    {
        // What a browser runs. What JSON holds is any here, too.
        files: ["config-templates/monitoring/page/site/*.js"],
        extends: [tseslint.configs.recommendedTypeChecked],
        languageOptions: {
            parserOptions: { project: "tools/javascript/page.json", tsconfigRootDir: import.meta.dirname },
        },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            eqeqeq: "error",
            "@typescript-eslint/no-explicit-any": "off",
            "@typescript-eslint/no-unsafe-return": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-member-access": "off",
            "@typescript-eslint/no-unsafe-argument": "off",
            "@typescript-eslint/no-unsafe-call": "off",
        },
    },
    {
        files: ["tests/**/*.ts"],
        rules: {
            // What is not there, or of another shape, makes a test fail either way.
            "@typescript-eslint/no-non-null-assertion": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-call": "off",
            "@typescript-eslint/no-unsafe-member-access": "off",
        },
    },
);
