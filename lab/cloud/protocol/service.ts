import { randomBytes } from "node:crypto";

import { type handleUnaryCall, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import { isDeletedFirst } from "../behaviour";
import type { Context, ProviderPackage, ResourceKind } from "../kind";
import { differences, type Difference } from "./differences";
import type { EngineLog } from "./engineLog";
import { problemsWith } from "./problems";
import {
    fromStruct,
    holdsSecret,
    toSecret,
    toStruct,
    unknownValue,
    unwrapAll,
    type Properties,
} from "./values";

/*
 * The provider protocol over `@pulumi/pulumi/proto`, rather than over `@pulumi/pulumi/provider`: that server passes
 * neither the old inputs to `diff`, nor previews to `create`, and loads the whole SDK (120 ms instead of 70).
 */

type Answer<Request, Response> = (request: Request) => Promise<Response> | Response;

function unary<Request, Response>(answer: Answer<Request, Response>): handleUnaryCall<Request, Response> {
    return (call, callback) => {
        void (async () => answer(call.request))().then(
            (response) => callback(null, response),
            (error: unknown) => {
                const message = error instanceof Error ? error.message : String(error);
                callback({ code: status.UNKNOWN, details: message });
            },
        );
    };
}

const kinds = rpc.PropertyDiff.Kind;
const diffKinds = {
    add: [kinds.ADD, kinds.ADD_REPLACE],
    delete: [kinds.DELETE, kinds.DELETE_REPLACE],
    update: [kinds.UPDATE, kinds.UPDATE_REPLACE],
} as const;

function diffResponse(changes: Difference[], deleteFirst: boolean): rpc.DiffResponse {
    const response = new rpc.DiffResponse();
    const { DIFF_NONE, DIFF_SOME } = rpc.DiffResponse.DiffChanges;
    response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME);
    response.setDiffsList(changes.map((change) => change.property));
    response.setReplacesList(changes.filter((change) => change.replaces).map((change) => change.property));
    response.setDeletebeforereplace(deleteFirst && changes.some((change) => change.replaces));
    response.setHasdetaileddiff(true);
    for (const { property, change, replaces } of changes) {
        const detail = new rpc.PropertyDiff();
        detail.setKind(diffKinds[change][replaces ? 1 : 0]);
        detail.setInputdiff(true);
        response.getDetaileddiffMap().set(property, detail);
    }
    return response;
}

/** Outputs for the state: what comes from a secret input, or is a secret by its nature, is marked so. */
function withSecrets(kind: ResourceKind, inputs: Properties, outputs: Properties): Properties {
    return Object.fromEntries(
        Object.entries(outputs).map(([name, value]) => {
            const secret = kind.secretOutputs.includes(name) || holdsSecret(inputs[name]);
            return [name, secret && value !== undefined ? toSecret(value) : value];
        }),
    );
}

/** What a preview can tell: the inputs, and that the rest is not known yet. */
function expected({ behaviour }: ResourceKind, inputs: Properties, old: Properties = {}): Properties {
    const { computed, computedAgain = [] } = behaviour;
    const outputs = computed.map((name): [string, unknown] => [
        name,
        computedAgain.includes(name) ? unknownValue : (old[name] ?? unknownValue),
    ]);
    return { ...Object.fromEntries(outputs), ...inputs };
}

/** The gRPC handlers of a provider. */
export function serviceOf(
    pkg: ProviderPackage,
    version: string,
    log: EngineLog,
): UntypedServiceImplementation {
    const table = new Map(pkg.kinds.map((kind) => [kind.type, kind]));
    /** Of this instance of the provider: the engine starts a process for each that the program makes. */
    let settings: Properties = {};

    function configure(request: rpc.ConfigureRequest): rpc.ConfigureResponse {
        settings = unwrapAll(fromStruct(request.getArgs()));
        return new rpc.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }

    function withSettings(wanted: readonly string[], inputs: Properties): Properties {
        const names = wanted.filter((name) => settings[name] !== undefined);
        return { ...Object.fromEntries(names.map((name) => [name, settings[name]])), ...inputs };
    }

    function kindOf(type: string): ResourceKind {
        const kind = table.get(type);
        if (!kind) {
            throw new Error(`the lab cloud has no ${type} yet; add it to lab/`);
        }
        return kind;
    }

    function contextOf(request: { getUrn(): string; getName(): string }): Context {
        const urn = request.getUrn();
        return {
            urn,
            name: request.getName(),
            settings,
            log: (message, severity = "info") => log(urn, message, severity),
        };
    }

    function check(request: rpc.CheckRequest): rpc.CheckResponse {
        const kind = kindOf(request.getType());
        const inputs = withSettings(kind.fromProvider, fromStruct(request.getNews()));
        const named = (property: string): boolean =>
            inputs[property] !== undefined || inputs[`${property}Prefix`] !== undefined;
        const { autoName } = kind.behaviour;
        if (autoName !== undefined && !named(autoName)) {
            const before = fromStruct(request.getOlds())[autoName];
            inputs[autoName] = before ?? `${request.getName()}-${randomBytes(4).toString("hex").slice(0, 7)}`;
        }
        const response = new rpc.CheckResponse();
        response.setInputs(toStruct(inputs));
        for (const problem of problemsWith(kind, unwrapAll(inputs))) {
            const failure = new rpc.CheckFailure();
            failure.setProperty(problem.property);
            failure.setReason(problem.reason);
            response.addFailures(failure);
        }
        return response;
    }

    function diff(request: rpc.DiffRequest): rpc.DiffResponse {
        const kind = kindOf(request.getType());
        const old = unwrapAll(fromStruct(request.getOldInputs()));
        const wanted = unwrapAll(fromStruct(request.getNews()));
        for (const name of request.getIgnorechangesList()) {
            wanted[name] = old[name];
        }
        const changes = differences(kind, old, wanted);
        if (kind.isDue(unwrapAll(fromStruct(request.getOlds())))) {
            changes.push({ property: "readyForRenewal", change: "update", replaces: true });
        }
        return diffResponse(changes, isDeletedFirst(kind.behaviour, request.getName(), wanted));
    }

    async function create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
        const kind = kindOf(request.getType());
        const inputs = fromStruct(request.getProperties());
        const response = new rpc.CreateResponse();
        if (request.getPreview()) {
            response.setProperties(toStruct(expected(kind, inputs)));
            return response;
        }
        const made = await kind.create(unwrapAll(inputs), contextOf(request));
        response.setId(made.id);
        response.setProperties(toStruct(withSecrets(kind, inputs, made.outputs)));
        return response;
    }

    async function read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
        const kind = kindOf(request.getType());
        const inputs = fromStruct(request.getInputs());
        const outputs = fromStruct(request.getProperties());
        const response = new rpc.ReadResponse();
        const existing = { id: request.getId(), inputs: unwrapAll(inputs), outputs: unwrapAll(outputs) };
        const present = await kind.read(existing, contextOf(request));
        if (present !== undefined) {
            const all = { ...existing.outputs, ...present };
            response.setId(request.getId());
            response.setInputs(toStruct({ ...inputs, ...kind.readInputs(existing) }));
            response.setProperties(toStruct(withSecrets(kind, inputs, all)));
        }
        return response;
    }

    async function update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
        const kind = kindOf(request.getType());
        const inputs = fromStruct(request.getNews());
        const olds = fromStruct(request.getOlds());
        const response = new rpc.UpdateResponse();
        if (request.getPreview()) {
            response.setProperties(toStruct(expected(kind, inputs, olds)));
            return response;
        }
        const existing = {
            id: request.getId(),
            inputs: unwrapAll(fromStruct(request.getOldInputs())),
            outputs: unwrapAll(olds),
        };
        const outputs = await kind.update(existing, unwrapAll(inputs), contextOf(request));
        response.setProperties(toStruct(withSecrets(kind, inputs, outputs)));
        return response;
    }

    async function remove(request: rpc.DeleteRequest): Promise<Empty> {
        const existing = {
            id: request.getId(),
            inputs: unwrapAll(fromStruct(request.getOldInputs())),
            outputs: unwrapAll(fromStruct(request.getProperties())),
        };
        await kindOf(request.getType()).delete(existing, contextOf(request));
        return new Empty();
    }

    async function invoke(request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
        const wanted = pkg.functions?.find(({ token }) => token === request.getTok());
        if (!wanted) {
            throw new Error(`the lab cloud has no function ${request.getTok()} yet; add it to lab/`);
        }
        const inputs = withSettings(wanted.fromProvider, unwrapAll(fromStruct(request.getArgs())));
        const answer = await wanted.answer(inputs);
        return new rpc.InvokeResponse().setReturn(toStruct(answer));
    }

    return {
        getSchema: unary(() => new rpc.GetSchemaResponse().setSchema("{}")),
        getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
        checkConfig: unary((request: rpc.CheckRequest) =>
            new rpc.CheckResponse().setInputs(request.getNews()),
        ),
        diffConfig: unary(() => new rpc.DiffResponse()),
        configure: unary(configure),
        invoke: unary(invoke),
        check: unary(check),
        diff: unary(diff),
        create: unary(create),
        read: unary(read),
        update: unary(update),
        delete: unary(remove),
        cancel: unary(() => new Empty()),
    };
}
