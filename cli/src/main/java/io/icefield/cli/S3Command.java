package io.icefield.cli;

import picocli.CommandLine.Command;

@Command(name = "s3", hidden = true, description = "Run the embedded object store alone; the local mesh does.")
final class S3Command extends MeshCommand {
    @Override
    public Integer call() throws Exception {
        Wiring.objectStore(environment());
        return Icefield.DONE;
    }
}
