package io.icefield.client;

/// What a principal proves itself with.
public record Credential(String clientId, String clientSecret) {
    @Override
    public String toString() {
        return "Credential[%s, ***]".formatted(clientId);
    }
}
