package io.icefield.job;

/// Why a file did not become rows. The message is for the person who started the job: it names the thing in
/// backticks, what it is, what it should be and how to mend it. After every kind but `OutcomeUnknown` the table
/// holds none of the file's rows.
public abstract sealed class IngestFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private IngestFailure(String message, Throwable cause) {
        super(message, cause);
    }

    private IngestFailure(String message) {
        super(message);
    }

    /// The file cannot be read as what it claims to be.
    public static final class BadFile extends IngestFailure {
        private static final long serialVersionUID = 1;

        public BadFile(String message) {
            super(message);
        }

        public BadFile(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The file is readable, but its columns or values do not fit the table or the options.
    public static final class Misfit extends IngestFailure {
        private static final long serialVersionUID = 1;

        public Misfit(String message) {
            super(message);
        }
    }

    /// The catalog said no, for good. The message carries the whole text of its answer.
    public static final class Refused extends IngestFailure {
        private static final long serialVersionUID = 1;

        public Refused(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The disk, the network, the catalog or the store failed on the way. The job may be repeated.
    public static final class Broken extends IngestFailure {
        private static final long serialVersionUID = 1;

        public Broken(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The answer to the commit was lost: the rows may be in the table or not, and no file was deleted.
    public static final class OutcomeUnknown extends IngestFailure {
        private static final long serialVersionUID = 1;

        public OutcomeUnknown(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
