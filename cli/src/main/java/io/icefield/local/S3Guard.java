package io.icefield.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icefield.local.S3Policy.Question;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.services.s3.model.BucketCannedACL;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CopyObjectRequest;
import software.amazon.awssdk.services.s3.model.CopyObjectResponse;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.CreateBucketResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.DeleteBucketEncryptionRequest;
import software.amazon.awssdk.services.s3.model.DeleteBucketEncryptionResponse;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectResponse;
import software.amazon.awssdk.services.s3.model.GetBucketAclRequest;
import software.amazon.awssdk.services.s3.model.GetBucketAclResponse;
import software.amazon.awssdk.services.s3.model.GetBucketEncryptionRequest;
import software.amazon.awssdk.services.s3.model.GetBucketEncryptionResponse;
import software.amazon.awssdk.services.s3.model.GetBucketVersioningRequest;
import software.amazon.awssdk.services.s3.model.GetBucketVersioningResponse;
import software.amazon.awssdk.services.s3.model.GetObjectAclRequest;
import software.amazon.awssdk.services.s3.model.GetObjectAclResponse;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadBucketRequest;
import software.amazon.awssdk.services.s3.model.HeadBucketResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListBucketsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsRequest;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;
import software.amazon.awssdk.services.s3.model.Part;
import software.amazon.awssdk.services.s3.model.PutBucketEncryptionRequest;
import software.amazon.awssdk.services.s3.model.PutBucketEncryptionResponse;
import software.amazon.awssdk.services.s3.model.PutBucketVersioningRequest;
import software.amazon.awssdk.services.s3.model.PutBucketVersioningResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/// The store as one caller may use it: every call asks the caller's policy first. It sees the names that the store
/// will use, after all decoding, so no spelling of a request gets around it.
///
/// Names with an empty, `.` or `..` part are nobody's, not even the root key's.
final class S3Guard extends ForwardingBlobStore {
    /// A file name may have 255 bytes, and the store adds to it while it writes.
    private static final int PART_BYTES_MAX = 200;

    private static final int MULTIPART_PART_BYTES_MAX = 150;

    /// Names that the store and its front make up for uploads in parts; clients are refused them by both.
    private static final String UPLOAD_STUB = ".s3proxy-mpu-stub-";

    private static final String UPLOAD_PART = ".mpus-";
    private static final int UPLOAD_ID_CHARS = UUID.randomUUID().toString().length();
    private static final Pattern UPLOAD_ID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private final S3Policy policy;
    private final Target target;

    /// The bucket and key that the request names; empty where it names none.
    record Target(String bucket, String key) {}

    S3Guard(BlobStore store, S3Policy policy, Target target) {
        super(store);
        this.policy = policy;
        this.target = target;
    }

    // --- what an answer needs: right or refusal

    private void require(String action, String resource) {
        require(new Question(action, resource, Optional.empty()));
    }

    private void require(Question question) {
        if (!policy.allows(question)) {
            throw S3Door.refusal(403, "AccessDenied", "the key does not allow " + question.action() + " here");
        }
    }

    private void requireObject(String action, String bucket, String key) {
        if (key.startsWith(UPLOAD_STUB)) {
            String id = key.substring(UPLOAD_STUB.length());
            requireUploadId(id);
            if (action.equals("s3:GetObject")) {
                requireBegun(id, bucket, target.key);
            }
            // Belongs to the upload that the request is about, so the request's own key decides.
            require("s3:PutObject", target.bucket + "/" + target.key);
            if (!bucket.equals(target.bucket)) {
                throw S3Door.refusal(403, "AccessDenied", "an upload of another bucket");
            }
            return;
        }
        if (key.startsWith(UPLOAD_PART)) {
            require("s3:PutObject", bucket + "/" + keyOfPart(key));
            return;
        }
        requirePlain(key, PART_BYTES_MAX);
        require(action, bucket + "/" + key);
    }

    private static String keyOfPart(String name) {
        int from = UPLOAD_PART.length() + UPLOAD_ID_CHARS + 1;
        int to = name.lastIndexOf('-');
        if (to <= from) {
            throw S3Door.refusal(403, "AccessDenied", "no such upload");
        }
        String key = name.substring(from, to);
        requirePlain(key, PART_BYTES_MAX);
        return key;
    }

    private static void requirePlain(String key, int partBytesMax) {
        String named = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
        for (String part : named.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..") || part.indexOf('\0') >= 0) {
                throw S3Door.refusal(400, "InvalidArgument", "a key has no empty, `.` or `..` part here");
            }
            if (part.getBytes(UTF_8).length > partBytesMax) {
                throw S3Door.refusal(
                        400, "KeyTooLongError", "a part of a key has at most %d bytes here".formatted(partBytesMax));
            }
        }
    }

    private void requireList(String action, String bucket, @Nullable String prefix) {
        String wanted = prefix == null ? "" : prefix;
        String[] parts = wanted.split("/", -1);
        for (int i = 0; i < parts.length; i++) {
            boolean last = i == parts.length - 1;
            if ((parts[i].isEmpty() && !last) || parts[i].equals(".") || parts[i].equals("..")) {
                throw S3Door.refusal(400, "InvalidArgument", "a prefix has no empty, `.` or `..` part here");
            }
        }
        require(new Question(action, bucket, Optional.of(wanted)));
    }

    private void requireUpload(String action, MultipartUpload upload) {
        requireUploadId(upload.id());
        requirePlain(upload.blobName(), MULTIPART_PART_BYTES_MAX);
        require(action, upload.containerName() + "/" + upload.blobName());
        requireBegun(upload.id(), upload.containerName(), upload.blobName());
    }

    /// The store makes a path of what a client says is an id: with a slash and `..` it would lead anywhere.
    private static void requireUploadId(String id) {
        if (!UPLOAD_ID.matcher(id).matches()) {
            throw noSuchUpload();
        }
    }

    /// Who knows the id of an upload could end it for another key.
    private void requireBegun(String id, String bucket, String key) {
        if (!super.blobExists(bucket, UPLOAD_PART + id + "-" + key + "-stub")) {
            throw noSuchUpload();
        }
    }

    private static RuntimeException noSuchUpload() {
        return S3Door.refusal(404, "NoSuchUpload", "there is no such upload");
    }

    // --- buckets

    @Override
    public ListBucketsResponse list() {
        require("s3:ListAllMyBuckets", "*");
        return super.list();
    }

    @Override
    public ListObjectsV2Response list(ListObjectsV2Request request) {
        requireList("s3:ListBucket", request.bucket(), request.prefix());
        return super.list(request);
    }

    @Override
    public HeadBucketResponse headBucket(HeadBucketRequest request) {
        require("s3:ListBucket", request.bucket());
        return super.headBucket(request);
    }

    @Override
    public CreateBucketResponse createContainer(CreateBucketRequest request) {
        require("s3:CreateBucket", request.bucket());
        return super.createContainer(request);
    }

    @Override
    public BucketCannedACL getContainerAccess(String container) {
        require("s3:GetBucketAcl", container);
        return super.getContainerAccess(container);
    }

    @Override
    public GetBucketAclResponse getContainerAcl(GetBucketAclRequest request) {
        require("s3:GetBucketAcl", request.bucket());
        return super.getContainerAcl(request);
    }

    @Override
    public void setContainerAccess(String container, BucketCannedACL access) {
        require("s3:PutBucketAcl", container);
        super.setContainerAccess(container, access);
    }

    @Override
    public void clearContainer(ListObjectsV2Request request) {
        require("s3:DeleteBucket", request.bucket());
        super.clearContainer(request);
    }

    @Override
    public void deleteContainer(String container) {
        require("s3:DeleteBucket", container);
        super.deleteContainer(container);
    }

    @Override
    public void deleteBucket(String container) {
        require("s3:DeleteBucket", container);
        super.deleteBucket(container);
    }

    @Override
    public GetBucketVersioningResponse getBucketVersioning(GetBucketVersioningRequest request) {
        require("s3:GetBucketVersioning", request.bucket());
        return super.getBucketVersioning(request);
    }

    @Override
    public PutBucketVersioningResponse putBucketVersioning(PutBucketVersioningRequest request) {
        require("s3:PutBucketVersioning", request.bucket());
        return super.putBucketVersioning(request);
    }

    @Override
    public ListObjectVersionsResponse listVersions(ListObjectVersionsRequest request) {
        requireList("s3:ListBucketVersions", request.bucket(), request.prefix());
        return super.listVersions(request);
    }

    @Override
    public GetBucketEncryptionResponse getBucketEncryption(GetBucketEncryptionRequest request) {
        require("s3:GetEncryptionConfiguration", request.bucket());
        return super.getBucketEncryption(request);
    }

    @Override
    public PutBucketEncryptionResponse putBucketEncryption(PutBucketEncryptionRequest request) {
        require("s3:PutEncryptionConfiguration", request.bucket());
        return super.putBucketEncryption(request);
    }

    @Override
    public DeleteBucketEncryptionResponse deleteBucketEncryption(DeleteBucketEncryptionRequest request) {
        require("s3:PutEncryptionConfiguration", request.bucket());
        return super.deleteBucketEncryption(request);
    }

    // --- objects

    @Override
    public boolean blobExists(String container, String name) {
        requireObject("s3:GetObject", container, name);
        return super.blobExists(container, name);
    }

    @Override
    public HeadObjectResponse blobMetadata(HeadObjectRequest request) {
        requireObject("s3:GetObject", request.bucket(), request.key());
        return super.blobMetadata(request);
    }

    @Override
    public ResponseInputStream<GetObjectResponse> getBlob(GetObjectRequest request) {
        requireObject("s3:GetObject", request.bucket(), request.key());
        return super.getBlob(request);
    }

    @Override
    public PutObjectResponse putBlob(PutObjectRequest request, InputStream payload) {
        requireObject("s3:PutObject", request.bucket(), request.key());
        return super.putBlob(request, payload);
    }

    @Override
    public CopyObjectResponse copyBlob(CopyObjectRequest request) {
        requireObject("s3:GetObject", request.sourceBucket(), request.sourceKey());
        requireObject("s3:PutObject", request.destinationBucket(), request.destinationKey());
        return super.copyBlob(request);
    }

    @Override
    public DeleteObjectResponse removeBlob(DeleteObjectRequest request) {
        requireObject("s3:DeleteObject", request.bucket(), request.key());
        return super.removeBlob(request);
    }

    @Override
    public ObjectCannedACL getBlobAccess(String container, String name) {
        requireObject("s3:GetObjectAcl", container, name);
        return super.getBlobAccess(container, name);
    }

    @Override
    public ObjectCannedACL getBlobAccess(String container, String name, @Nullable String versionId) {
        requireObject("s3:GetObjectAcl", container, name);
        return super.getBlobAccess(container, name, versionId);
    }

    @Override
    public GetObjectAclResponse getBlobAcl(GetObjectAclRequest request) {
        requireObject("s3:GetObjectAcl", request.bucket(), request.key());
        return super.getBlobAcl(request);
    }

    @Override
    public void setBlobAccess(String container, String name, ObjectCannedACL access) {
        requireObject("s3:PutObjectAcl", container, name);
        super.setBlobAccess(container, name, access);
    }

    @Override
    public void setBlobAccess(String container, String name, ObjectCannedACL access, @Nullable String versionId) {
        requireObject("s3:PutObjectAcl", container, name);
        super.setBlobAccess(container, name, access, versionId);
    }

    // --- uploads in parts

    @Override
    public MultipartUpload initiateMultipartUpload(CreateMultipartUploadRequest request) {
        requirePlain(request.key(), MULTIPART_PART_BYTES_MAX);
        require("s3:PutObject", request.bucket() + "/" + request.key());
        return super.initiateMultipartUpload(request);
    }

    @Override
    public UploadPartResponse uploadMultipartPart(MultipartUpload upload, UploadPartRequest request, InputStream in) {
        requireUpload("s3:PutObject", upload);
        return super.uploadMultipartPart(upload, request, in);
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            MultipartUpload upload, CompleteMultipartUploadRequest request) {
        requireUpload("s3:PutObject", upload);
        return super.completeMultipartUpload(upload, request);
    }

    @Override
    public void abortMultipartUpload(MultipartUpload upload) {
        requireUpload("s3:AbortMultipartUpload", upload);
        super.abortMultipartUpload(upload);
    }

    @Override
    public List<Part> listMultipartUpload(MultipartUpload upload) {
        requireUpload("s3:ListMultipartUploadParts", upload);
        return super.listMultipartUpload(upload);
    }

    @Override
    public List<software.amazon.awssdk.services.s3.model.MultipartUpload> listMultipartUploads(String container) {
        require("s3:ListBucketMultipartUploads", container);
        return super.listMultipartUploads(container);
    }
}
