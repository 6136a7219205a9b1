package io.icefield.iceberg;

import io.icefield.table.TableFormat;
import java.io.ByteArrayOutputStream;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;

/// Iceberg's view of the files of one table. They are small enough for memory.
@SuppressWarnings("serial") // Iceberg wants it serializable; it stays here.
final class FolderIO implements FileIO {
    private static final long serialVersionUID = 1L;

    private final transient TableFormat.Files files;

    FolderIO(TableFormat.Files files) {
        this.files = files;
    }

    @Override
    public InputFile newInputFile(String path) {
        return new InMemoryInputFile(path, files.read(path));
    }

    @Override
    public OutputFile newOutputFile(String path) {
        return new Output(path);
    }

    @Override
    public void deleteFile(String path) {
        files.forget(path);
    }

    private final class Output implements OutputFile {
        private final String path;

        Output(String path) {
            this.path = path;
        }

        @Override
        public PositionOutputStream create() {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            return new PositionOutputStream() {
                @Override
                public long getPos() {
                    return content.size();
                }

                @Override
                public void write(int b) {
                    content.write(b);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) {
                    content.write(bytes, offset, length);
                }

                @Override
                public void close() {
                    files.write(path, content.toByteArray());
                }
            };
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
            return create();
        }

        @Override
        public String location() {
            return path;
        }

        @Override
        public InputFile toInputFile() {
            return newInputFile(path);
        }
    }
}
