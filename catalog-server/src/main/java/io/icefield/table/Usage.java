package io.icefield.table;

/// What the data and delete files of a table weigh, as its writers have noted it in its metadata. Metadata files are
/// not
/// counted, nor what no snapshot names any more.
///
/// @param liveBytes of the current snapshot
/// @param keptBytes of all snapshots that the table keeps
public record Usage(long liveBytes, long liveFiles, long keptBytes, long keptFiles) {
    public static final Usage NOTHING = new Usage(0, 0, 0, 0);

    public Usage plus(Usage other) {
        return new Usage(
                liveBytes + other.liveBytes,
                liveFiles + other.liveFiles,
                keptBytes + other.keptBytes,
                keptFiles + other.keptFiles);
    }
}
