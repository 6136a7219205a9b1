package io.icefield.local;

/// Something the user can mend: the message says what is wrong and what to do, and is shown without a stack.
public final class MeshException extends RuntimeException {
    public MeshException(String message) {
        super(message);
    }

    public MeshException(String message, Throwable cause) {
        super(message, cause);
    }
}
