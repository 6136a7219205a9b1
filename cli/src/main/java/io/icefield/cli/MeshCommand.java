package io.icefield.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.icefield.local.MeshHome;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// What all commands share: the options of the root, the mesh they speak to, and where they print.
abstract class MeshCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    final Icefield root() {
        return (Icefield) spec().root().userObject();
    }

    final MeshHome home() {
        return root().home();
    }

    final Map<String, String> environment() {
        return root().environment();
    }

    /// The mesh named by the environment, else the one of the home.
    final Target target() {
        return Target.of(home(), environment());
    }

    final PrintWriter out() {
        return spec().commandLine().getOut();
    }

    final PrintWriter err() {
        return spec().commandLine().getErr();
    }

    /// A line on stderr: for people, never part of a result.
    final void say(String line) {
        err().println(line);
        err().flush();
    }

    final CommandLine.ParameterException wrongUsage(String message) {
        return new CommandLine.ParameterException(spec().commandLine(), message);
    }

    final Printer printer() {
        return new Printer(root().output(), out());
    }

    final int show(JsonNode answer) {
        printer().object(answer);
        return Icefield.DONE;
    }

    final int show(String field, List<JsonNode> answers, String... columns) {
        printer().list(field, answers, List.of(columns));
        return Icefield.DONE;
    }

    private CommandSpec spec() {
        return java.util.Objects.requireNonNull(spec, "set by picocli");
    }
}
