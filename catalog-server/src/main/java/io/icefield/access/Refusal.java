package io.icefield.access;

import io.icefield.policy.Violation;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Everything we expect to refuse. The message is for the caller: it names the thing and how to mend it, and holds no
/// host, no SQL and no secret. Clients act on the status that `http` makes of it (invariant 3).
public abstract sealed class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private Refusal(String message) {
        super(message, null, false, false);
    }

    /// What was looked for or is in the way.
    public enum Thing {
        DOMAIN,
        STORAGE,
        NAMESPACE,
        TABLE,
        VIEW,
        PRINCIPAL,
        PLAN,
        PLAN_TASK,
        SIGNING_KEY,
        SECRET,
        ACCESS_REQUEST,
        DECISION;

        public String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /// Malformed, or not what the specification allows. 400.
    public static final class Invalid extends Refusal {
        private static final long serialVersionUID = 1L;

        public Invalid(String message) {
            super(message);
        }
    }

    /// The request is bigger than its named limit. 413.
    public static final class TooLarge extends Refusal {
        private static final long serialVersionUID = 1L;

        public TooLarge(String message) {
            super(message);
        }
    }

    /// Nobody is known by this token or secret. 401.
    public static final class NotAuthenticated extends Refusal {
        private static final long serialVersionUID = 1L;

        public NotAuthenticated(String message) {
            super(message);
        }
    }

    /// Too many wrong secrets came from there, or for that name; nothing was looked at. 429.
    public static final class TooManyAttempts extends Refusal {
        private static final long serialVersionUID = 1L;
        private final Duration wait;

        public TooManyAttempts(Duration wait) {
            super("too many wrong secrets: wait and try again");
            this.wait = wait;
        }

        public Duration waiting() {
            return wait;
        }
    }

    /// This caller asks too often, or too much at once; nothing was looked at. 429.
    public static final class TooManyRequests extends Refusal {
        private static final long serialVersionUID = 1L;
        private final Duration wait;

        public TooManyRequests(String message, Duration wait) {
            super(message);
            this.wait = wait;
        }

        public Duration waiting() {
            return wait;
        }
    }

    /// The request came too slowly and was not waited for; nothing was done. 408.
    public static final class TooSlow extends Refusal {
        private static final long serialVersionUID = 1L;

        public TooSlow(String message) {
            super(message);
        }
    }

    /// The caller may know of the thing but not do this. 403.
    public static final class NotAllowed extends Refusal {
        private static final long serialVersionUID = 1L;

        public NotAllowed(String message) {
            super(message);
        }
    }

    /// Policies refuse the change; all of their reasons. 403.
    public static final class PolicyBroken extends Refusal {
        private static final long serialVersionUID = 1L;
        private final transient List<Violation> violations;

        public PolicyBroken(String what, List<Violation> violations) {
            super(violations.stream()
                    .map(each -> "\n  [%s] %s: %s".formatted(each.code(), each.path(), each.message()))
                    .collect(Collectors.joining("", "`%s` breaks %s:".formatted(what, count(violations.size())), "")));
            this.violations = List.copyOf(violations);
        }

        private static String count(int violations) {
            return violations == 1 ? "a policy" : violations + " policies";
        }

        public List<Violation> violations() {
            return violations;
        }
    }

    /// It is not there, or the caller may not know of it. 404. The wording is Iceberg's: its own tests ask for it.
    public static final class NotFound extends Refusal {
        private static final long serialVersionUID = 1L;
        private final Thing thing;

        public NotFound(Thing thing, String name) {
            super("%s does not exist: %s".formatted(capital(thing), name));
            this.thing = thing;
        }

        public Thing thing() {
            return thing;
        }
    }

    /// The name is taken. 409. The wording is Iceberg's: its own tests ask for it.
    public static final class AlreadyExists extends Refusal {
        private static final long serialVersionUID = 1L;

        public AlreadyExists(Thing thing, String name) {
            this("%s already exists: %s".formatted(capital(thing), name));
        }

        private AlreadyExists(String message) {
            super(message);
        }

        /// The name that a table or view was to have.
        ///
        /// @param there what has it
        public static AlreadyExists named(Thing wanted, Thing there, String name) {
            return wanted == there
                    ? new AlreadyExists(there, name)
                    : new AlreadyExists("%s with same name already exists: %s".formatted(capital(there), name));
        }

        /// The same for a dropped one that was to come back.
        public static AlreadyExists restored(String to, Thing there) {
            return new AlreadyExists("cannot undrop to `%s`: a %s has that name; rename it, or undrop to another name"
                    .formatted(to, there.word()));
        }

        /// The same for a new name.
        public static AlreadyExists renamed(String from, String to, Thing there) {
            return new AlreadyExists("Cannot rename %s to %s. %s already exists".formatted(from, to, capital(there)));
        }
    }

    /// It still holds something. 409.
    public static final class NotEmpty extends Refusal {
        private static final long serialVersionUID = 1L;

        public NotEmpty(Thing thing, String name, String what) {
            super("%s `%s` is not empty: it holds %s; drop them first".formatted(capital(thing), name, what));
        }
    }

    /// The change was made against a state that is no longer there; nothing was changed. 409.
    public static final class Conflict extends Refusal {
        private static final long serialVersionUID = 1L;

        public Conflict(String message) {
            super(message);
        }
    }

    /// A request with the same key was served before, or is just now; nothing was changed by this one. 503: whoever
    /// knows the first answer gives that instead.
    public static final class Repeated extends Refusal {
        private static final long serialVersionUID = 1L;
        private final transient List<UUID> keys;

        public Repeated(List<UUID> keys) {
            super("the same request was made before: try again");
            this.keys = List.copyOf(keys);
        }

        public List<UUID> keys() {
            return keys;
        }
    }

    /// Properties name a key twice, or the like: well-formed but contradictory. 422, never for a commit.
    public static final class Contradictory extends Refusal {
        private static final long serialVersionUID = 1L;

        public Contradictory(String message) {
            super(message);
        }
    }

    /// We do not do this. 406, as the specification has it.
    public static final class Unsupported extends Refusal {
        private static final long serialVersionUID = 1L;

        public Unsupported(String message) {
            super(message);
        }
    }

    /// A part we need does not answer, and nothing was done. 503.
    public static final class Unavailable extends Refusal {
        private static final long serialVersionUID = 1L;

        public Unavailable(String message) {
            super(message);
        }
    }

    /// The change may or may not have happened: nobody may delete anything. 500.
    public static final class OutcomeUnknown extends Refusal {
        private static final long serialVersionUID = 1L;

        public OutcomeUnknown(String message) {
            super(message);
        }
    }

    private static final int NAME_SHOWN_MAX = 100;

    /// Text becomes a value at the edge: the constructor's complaint becomes `Invalid`.
    public static <T> T parse(Function<String, T> constructor, String text) {
        try {
            return constructor.apply(text);
        } catch (IllegalArgumentException e) {
            throw new Invalid(e.getMessage() == null ? "a value is malformed" : e.getMessage());
        }
    }

    /// The same for the address of something that should be there: where no such name can be, there is no such thing.
    public static <T> T parse(Thing thing, Function<String, T> constructor, String text) {
        try {
            return constructor.apply(text);
        } catch (IllegalArgumentException e) {
            throw new NotFound(thing, text.length() > NAME_SHOWN_MAX ? text.substring(0, NAME_SHOWN_MAX) + "…" : text);
        }
    }

    private static String capital(Thing thing) {
        String word = thing.word();
        return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }
}
