package io.icefield.system;

import java.util.Arrays;
import java.util.Locale;

/// What each client does in a round, in this order, with the domain's catalog and nothing but a job's secret. All of it
/// happens in namespace `core`.
enum Job {
    /// The namespace, and table `items (id long, label string)`.
    CREATE,
    /// Rows 1 to 3; reads them.
    WRITE,
    /// Tag `first` on what was written.
    TAG,
    /// Column `weight double` is new, `label` becomes `title`; then row 4 is written, and all read.
    EVOLVE,
    /// Branch `audit` of `main`.
    BRANCH,
    /// Row 5 goes to `audit`, which is read.
    WRITE_TO_BRANCH,
    /// Reads the table as it was after the first job that wrote.
    TIME_TRAVEL,
    /// `items` becomes `things`, which is read.
    RENAME,
    /// View `ids`: an engine runs it, a library reads the SQL back.
    VIEW,
    /// Row 2 goes; reads the table.
    DELETE_ROWS,
    /// A table with an unclassified e-mail column is refused, and the user reads why.
    READ_A_REFUSAL,
    /// Table `gone` is made, written and dropped, with a purge where the client can ask for it.
    DROP_WITH_PURGE;

    /// As programs, SQL files and the page have it.
    String words() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    static Job of(String words) {
        return Arrays.stream(values())
                .filter(job -> job.words().equals(words))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no job `" + words + "`"));
    }
}
