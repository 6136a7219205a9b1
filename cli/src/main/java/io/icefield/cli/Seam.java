package io.icefield.cli;

import io.icefield.client.Credential;
import io.icefield.local.LocalMesh;
import io.icefield.local.MeshException;
import io.icefield.local.MeshHome;
import io.icefield.local.MeshPlan;
import io.icefield.local.Part;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;

/// The one place where commands meet the parts that are built elsewhere.
@SuppressWarnings("DoNotCallSuggester") // until the parts are there
final class Seam {
    private Seam() {}

    /// `io.icefield.Main`, with settings from the environment.
    static void server() {
        throw missing("the catalog server");
    }

    /// `EmbeddedS3.run` with ICEFIELD_S3_FOLDER, _PORT, _REGION, _ACCESS_KEY and _SECRET_KEY.
    static void objectStore(Map<String, String> environment) {
        throw missing("the object store");
    }

    /// `Ingest.connect(address).run(request, progress)`; a refusal by policy becomes `ViolationsFound`.
    static IngestCommand.Job ingest() {
        throw missing("the domain job");
    }

    /// `PolicyFiles.load(folder)`; its problems become `ViolationsFound`.
    static void lintPolicies(Path folder) {
        throw missing("the policy files");
    }

    static int demo(MeshHome home, Map<String, String> environment, double scale) {
        throw missing("the demo");
    }

    /// `TrinoProcess` as a `Part`.
    record EmbeddedParts(PrintWriter messages) implements LocalMesh.Parts {
        @Override
        public Part trino(MeshPlan plan, Supplier<Credential> engine) {
            throw missing("Trino");
        }
    }

    private static MeshException missing(String what) {
        return new MeshException("%s is not part of this build yet".formatted(what));
    }
}
