package io.icefield.local;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CopyObjectRequest;
import software.amazon.awssdk.services.s3.model.CopyObjectResponse;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.CreateBucketResponse;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;

/// S3Proxy's store in a folder, made to keep its word: an answered write is on the disk, and of racing conditional
/// writes of one key exactly one wins. Uploads are in parts until they are completed; parts need not survive.
final class S3Disk extends ForwardingBlobStore {
    private final Path root;
    private final Map<String, Turn> turns = new ConcurrentHashMap<>();

    /// @param root the folder whose folders are the buckets
    S3Disk(BlobStore store, Path root) {
        super(store);
        this.root = root.toAbsolutePath().normalize();
    }

    @Override
    public CreateBucketResponse createContainer(CreateBucketRequest request) {
        CreateBucketResponse answer = super.createContainer(request);
        force(root.resolve(request.bucket()));
        return answer;
    }

    @Override
    public void deleteBucket(String container) {
        super.deleteBucket(container);
        force(root);
    }

    @Override
    public PutObjectResponse putBlob(PutObjectRequest request, InputStream payload) {
        return inTurn(request.bucket(), request.key(), () -> {
            requireMatch(request);
            PutObjectResponse answer = super.putBlob(request, payload);
            force(path(request.bucket(), request.key()));
            return answer;
        });
    }

    /// The front has looked already, but before its turn.
    private void requireMatch(PutObjectRequest request) {
        if (request.ifMatch() == null) {
            return;
        }
        var current = blobMetadataIfPresent(request.bucket(), request.key());
        if (current == null || !unquoted(request.ifMatch()).equals(unquoted(current.eTag()))) {
            throw S3Door.refusal(412, "PreconditionFailed", "the object is not the one that If-Match names");
        }
    }

    private static String unquoted(String eTag) {
        return eTag.replace("\"", "");
    }

    @Override
    public CopyObjectResponse copyBlob(CopyObjectRequest request) {
        return inTurn(request.destinationBucket(), request.destinationKey(), () -> {
            CopyObjectResponse answer = super.copyBlob(request);
            force(path(request.destinationBucket(), request.destinationKey()));
            return answer;
        });
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            MultipartUpload upload, CompleteMultipartUploadRequest request) {
        return inTurn(upload.containerName(), upload.blobName(), () -> {
            CompleteMultipartUploadResponse answer = super.completeMultipartUpload(upload, request);
            force(path(upload.containerName(), upload.blobName()));
            return answer;
        });
    }

    @Override
    public DeleteObjectResponse removeBlob(DeleteObjectRequest request) {
        return inTurn(request.bucket(), request.key(), () -> {
            DeleteObjectResponse answer = super.removeBlob(request);
            force(path(request.bucket(), request.key()));
            return answer;
        });
    }

    private Path path(String bucket, String key) {
        return root.resolve(bucket).resolve(key).normalize();
    }

    /// Puts a file and the folders above it on the disk, or what is left of them.
    private void force(Path changed) {
        for (Path each = changed; each != null && each.startsWith(root); each = each.getParent()) {
            try (FileChannel channel = FileChannel.open(each, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (NoSuchFileException gone) {
                // Deleted, by us or by somebody after us: the folder above knows.
            } catch (IOException e) {
                if (Files.exists(each)) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    /// One at a time for each key, without a lock for every key there ever was.
    private <T> T inTurn(String bucket, String key, Supplier<T> write) {
        String name = bucket + "/" + key;
        Turn turn = turns.compute(name, (_, old) -> {
            Turn mine = old == null ? new Turn() : old;
            mine.waiting++;
            return mine;
        });
        turn.lock.lock();
        try {
            return write.get();
        } finally {
            turn.lock.unlock();
            turns.computeIfPresent(name, (_, mine) -> --mine.waiting == 0 ? null : mine);
        }
    }

    private static final class Turn {
        private final ReentrantLock lock = new ReentrantLock();

        /// Changed only inside `compute`.
        private int waiting;
    }
}
