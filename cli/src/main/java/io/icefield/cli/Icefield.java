package io.icefield.cli;

import io.icefield.client.ApiException;
import io.icefield.local.MeshException;
import io.icefield.local.MeshHome;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// `icefield`: a data mesh on Apache Iceberg, from the command line.
@Command(
        name = "icefield",
        description = "A data mesh on Apache Iceberg.",
        mixinStandardHelpOptions = true,
        versionProvider = Icefield.Version.class,
        scope = ScopeType.INHERIT,
        sortOptions = false,
        usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage", "3:violations found"},
        subcommands = {
            UpCommand.class,
            DownCommand.class,
            StatusCommand.class,
            ServerCommand.class,
            S3Command.class,
            WarmUpCommand.class,
            DomainCommands.class,
            StorageCommands.class,
            NamespaceCommands.class,
            TableCommands.class,
            ViewCommands.class,
            AccessCommands.class,
            PrincipalCommands.class,
            TokenCommand.class,
            SigningKeyCommands.class,
            AuditCommands.class,
            ExplainCommand.class,
            SealingKeyCommands.class,
            SqlCommand.class,
            IngestCommand.class,
            PolicyCommands.class,
            DemoCommand.class
        })
public final class Icefield implements Callable<Integer> {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;
    static final int VIOLATIONS_FOUND = 3;

    private static final String LOGGING = "logback.configurationFile";

    private final Map<String, String> environment;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Where the local mesh lives (default: ICEFIELD_HOME, else ./.icefield).")
    private @Nullable Path home;

    @Option(
            names = "--output",
            paramLabel = "FORMAT",
            scope = ScopeType.INHERIT,
            description = "How to print results: table (default), json or csv.")
    private @Nullable Output output;

    Icefield(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    public static void main(String[] arguments) {
        // Before anything logs: commands say little, while the server brings its own configuration.
        if (!List.of(arguments).contains("server") && System.getProperty(LOGGING) == null) {
            System.setProperty(LOGGING, "io/icefield/cli/logback.xml");
        }
        System.exit(commandLine(System.getenv()).execute(arguments));
    }

    static CommandLine commandLine(Map<String, String> environment) {
        CommandLine line = new CommandLine(new Icefield(environment));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((problem, at, _) -> explain(problem, at.getErr()));
        return line;
    }

    Map<String, String> environment() {
        return environment;
    }

    MeshHome home() {
        return MeshHome.of(Optional.ofNullable(home), environment);
    }

    Output output() {
        return Objects.requireNonNullElse(output, Output.TABLE);
    }

    /// Without a command: say what there is.
    @Override
    public Integer call() {
        CommandLine line = Objects.requireNonNull(spec).commandLine();
        line.usage(line.getErr());
        return WRONG_USAGE;
    }

    /// What a user can mend is said in a line; everything else is our mistake and shown with its stack.
    private static int explain(Exception problem, PrintWriter err) {
        return switch (problem) {
            case ViolationsFound violations -> {
                err.println(violations.getMessage());
                yield VIOLATIONS_FOUND;
            }
            case MeshException _, ApiException _, SQLException _ -> {
                err.println("icefield: " + problem.getMessage());
                reasons(problem).forEach(reason -> err.println("  because: " + reason));
                yield FAILED;
            }
            default -> {
                err.println("icefield: this is a defect of Icefield itself:");
                problem.printStackTrace(err);
                yield FAILED;
            }
        };
    }

    /// What the query engine only hints at: why the catalog refused it.
    private static List<String> reasons(Exception problem) {
        List<String> reasons = new ArrayList<>();
        String said = String.valueOf(problem.getMessage());
        for (Throwable cause = problem instanceof SQLException ? problem.getCause() : null;
                cause != null;
                cause = cause.getCause()) {
            String message = cause.getMessage();
            if (message != null && !said.contains(message)) {
                reasons.add(message);
                said += message;
            }
        }
        return reasons;
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Icefield.class.getPackage().getImplementationVersion();
            return new String[] {"icefield " + (version == null ? "(not packaged)" : version)};
        }
    }
}
