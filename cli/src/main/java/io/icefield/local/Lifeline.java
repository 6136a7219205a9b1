package io.icefield.local;

import java.util.ArrayList;
import java.util.List;

/// Ties a process to its parent: its standard input is a pipe that the parent holds. When the pipe closes,
/// because the
/// parent let go or died in whatever way, the process is asked to end and, if it does not, killed.
final class Lifeline {
    static final int GRACE_SECONDS = 15;

    /// The shell becomes the command, so the process id is the command's. The watcher is detached (a grandchild)
    /// because PostgreSQL takes the death of an unknown child for a crash. In its own session the command is out
    /// of reach of Ctrl-C at the terminal, so that the parent can stop the parts in their order.
    private static final String SCRIPT = """
            exec 3<&0 </dev/null
            (
              (
                trap '' HUP INT TERM
                read -r _ <&3
                kill -s "$1" $$ 2>/dev/null || exit 0
                seconds=0
                while [ $seconds -lt "$2" ]; do
                  sleep 1
                  kill -0 $$ 2>/dev/null || exit 0
                  seconds=$((seconds + 1))
                done
                kill -s KILL $$ 2>/dev/null
              ) >/dev/null 2>&1 &
            )
            shift 2
            if command -v setsid >/dev/null 2>&1; then exec setsid "$@" 3<&-; fi
            exec "$@" 3<&-
            """;

    private Lifeline() {}

    static List<String> around(Part.Launch launch) {
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", SCRIPT, "icefield", launch.stop().name(), Integer.toString(GRACE_SECONDS)));
        command.addAll(launch.command());
        return command;
    }
}
